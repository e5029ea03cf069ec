"""What is each feature? Declared once: entity, event, aggregation, column and window; name, schema and page follow."""
