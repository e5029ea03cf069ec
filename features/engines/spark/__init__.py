"""How does the same query run on a Spark cluster?"""
