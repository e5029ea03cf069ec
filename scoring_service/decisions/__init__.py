"""What was decided about this claim, and can it be shown again? From a request to the ledger."""
