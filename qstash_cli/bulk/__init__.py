"""Bulk publishing: rows of a file, batch items, chunks, the journal, and the sender."""
