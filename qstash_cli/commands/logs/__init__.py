"""`qstash logs`: list log entries."""
