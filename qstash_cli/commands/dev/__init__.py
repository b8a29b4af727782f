"""`qstash dev`: the embedded server."""
