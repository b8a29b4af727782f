"""`qstash dlq`: the dead letter queue."""
