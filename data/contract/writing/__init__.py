"""How does a command write? Where it may write at all, in which format, and whole or not at all."""
