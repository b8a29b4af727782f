"""Resources as QStash's JSON."""
