"""`qstash message`: get, show, cancel and wait for messages."""
