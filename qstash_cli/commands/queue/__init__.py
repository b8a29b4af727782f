"""`qstash queue`: manage queues, which deliver in order with limited parallelism."""
