"""What is to happen with this claim, now? The endpoint, its event store, and the ledger of every decision.

`server` runs it: `routes` read a request, the `desk` does all that waits in one transaction, the `decider` scores. It uses `features`
and `models`, never `pipeline`.
"""
