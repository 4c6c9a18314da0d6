"""Price books refreshed from the vendors' own price lists.

sku.py                       which row of which list a price of a book is; a target's are in its price_sources_by
aws.py, azure.py, google.py  each vendor's list as a stream of rows
fetch.py                     HTTP, with a hash of everything that was read
match.py                     exactly one product for each meter, or an error that shows the candidates
diff.py                      a book with the prices that were found, and what differs
refresh.py                   all of it for one target
"""
