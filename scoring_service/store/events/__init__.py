"""What happened? The rows of the contract as they are stored and exported."""
