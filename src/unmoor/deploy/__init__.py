"""What an engine would do and does, in the words of who owns the agent; nothing here knows an engine or a cloud.

step.py      a change of one resource, something said of one, and the counts at the end, as values
parts.py     which part of the agent a resource belongs to, and which spec path it comes from
changes.py   a preview: what changes in each part, and what data is at risk
words.py     the same as text
progress.py  steps as they happen, as a tree, as lines or as JSON
"""
