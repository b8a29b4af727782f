"""The SQLite store: its schema, and one module per table family."""
