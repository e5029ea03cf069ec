"""What did the platform know about this claim, its customer, seller, product and category just before it was filed?

A feature is declared once, in `catalogue`; its name is derived, and the same declaration is computed for many claims
over a history (`batch`, on the `engines`) and for one claim at a time (`online`). Its one convention: windows are
half-open, `[filed_at - window, filed_at)`, and a claim never counts itself.
"""
