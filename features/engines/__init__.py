"""Where does a query run? One protocol for DuckDB and Spark, and what only engines need."""
