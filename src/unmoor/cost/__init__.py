"""The cost of an agent: pure functions from list prices and usage to line items.

A target contributes its `cost.py`, a pure function of the plan, and its `prices.json`. Money is Decimal. A missing
price makes a line unknown and a total "at least".
"""
