"""`qstash dlq`: manage the dead letter queue."""
