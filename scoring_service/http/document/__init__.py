"""The OpenAPI document, written from the same declarations that parse requests."""
