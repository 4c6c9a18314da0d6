"""Previews and progress of a deployment, for a person or a program; nothing here uses an engine or a cloud's SDK.

engine_events.py  an operation on a resource, a message, and the final counts, as values
agent_parts.py    the part of the agent and the spec path that a resource belongs to
preview.py        the changes in each part, and the data at risk
text.py           the same as text, JSON and Markdown
progress.py       operations as they happen, as a tree, lines or JSON
"""
