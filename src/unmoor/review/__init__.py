"""What a change of a spec would change: resources, promises and money, said in one comment that is kept up to date.

review.py  what was found, as values; money and promises before and after
words.py   the same as Markdown
post.py    the comment itself, on GitHub or GitLab: made once, then changed in place
"""
