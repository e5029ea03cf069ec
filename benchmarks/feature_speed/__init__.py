"""The same 72 features of a claim by every means at hand: wall time, peak memory, and whether the values agree."""
