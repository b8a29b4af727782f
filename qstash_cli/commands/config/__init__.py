"""`qstash config`: manage profiles."""
