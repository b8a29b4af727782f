"""`qstash config`: profiles."""
