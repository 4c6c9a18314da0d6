"""What an agent costs: values and pure functions, from list prices and a stated use to lines of money.

    price.py, book.py     list prices with where they are from; a target's book of them, read strictly
    usage.py              how much an agent is used; usage_file.py reads it, measured.py counts it in a store
    load.py               what that use comes to: seconds awake, requests of the store, what is kept
    line.py, lines.py     a line of money, a total that knows what it lacks; uses priced out of a book
    model.py              what the tokens cost, which no target has a say in
    offer.py              one target's way of running one plan, which can be priced for any use
    comparison.py         offers side by side: totals, curve, break-even points, verdict

A target's own part is its `cost.py`, a pure function of the plan's shape after rounding, and its `prices.json`.
Money is Decimal throughout. A price that is not in the book makes a line unknown, and a total "at least".
"""
