"""`qstash keys`: the signing keys."""
