"""`qstash keys`: manage the signing keys."""
