"""Exports the spans of messages while the server runs."""
