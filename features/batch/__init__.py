"""How are the features of many claims computed at once, over a whole history?

Its one convention: every source is read once, and memory grows with the claims, not with their events.
"""
