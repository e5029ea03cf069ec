"""The scoring endpoint: not built yet. It may use `features` and `models`, never `pipeline`."""
