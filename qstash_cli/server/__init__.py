"""The embedded QStash server."""
