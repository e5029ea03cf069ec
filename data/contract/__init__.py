"""Which tables may a marketplace hand over, and what is true of every row?

The tables are declared once, in `tables`; the readers' types, the Great Expectations suites, the sources of features and the
reference page in `docs/` are all derived from that declaration. Its one convention: every event carries the time at which the
platform *knew* it (`Table.known_at`), and nothing else in the project may use another clock.
"""
