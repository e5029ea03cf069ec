"""Where does a query run? One protocol for DuckDB and Spark, and what only engines need.

Its one convention: what a file says means the same on every engine, row for row.
"""
