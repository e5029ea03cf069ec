"""What happens to a claim after it was scored, who decides and who pays: pure rules over a log of events.

No SQL, no HTTP and no clock of its own: a case is a fold of its events (`fold`), what may happen to it is one table (`transitions`), and
whoever calls says what time it is. Instants are microseconds since 1970 UTC, money is whole cents.
"""
