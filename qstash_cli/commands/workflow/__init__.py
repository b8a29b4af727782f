"""`qstash workflow`: runs of Upstash Workflow."""
