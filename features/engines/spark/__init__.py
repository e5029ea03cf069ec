"""How does the same query run on a cluster?"""
