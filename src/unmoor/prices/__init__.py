"""Price books made new from the vendors' own price lists.

meter.py                     which row of which list a price of a book is; a target's are in its meters.py
aws.py, azure.py, google.py  each vendor's list as a stream of rows
fetch.py                     what is read over HTTP, hashed as it passes
match.py                     exactly one product for a meter, or a refusal that shows the candidates
change.py                    a book with the prices that were found, and what differs
refresh.py                   all of it for one target
"""
