"""What is each feature? Declared once: entity, event, aggregation, column and window; name, schema and page follow.

Its one convention: times are int64 microseconds since 1970 UTC and money int64 cents, until a feature is put together.
"""
