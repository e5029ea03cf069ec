"""What did the platform know about this claim, its customer, seller, product and category just before it was filed?

A feature is declared once, in `catalogue`; its name is derived, and the same declaration is computed over history (`build`) and,
later, for one claim. Its one convention: windows are half-open, `[filed_at - window, filed_at)`, and a claim never counts itself.
"""
