"""QStash's rules as pure functions, without I/O, clock or environment."""
