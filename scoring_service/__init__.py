"""What is to happen with this claim, now? The endpoint, its event store, and the ledger of every decision.

`server` runs it: `routes` read a request, the write queue does all that waits in one transaction, the decision service scores. It uses
`features` and `models`, never `pipeline`.
"""
