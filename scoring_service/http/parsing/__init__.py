"""From a body to rows of the contract: what is taken is declared once, and every error names its field."""
