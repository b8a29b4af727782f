"""`qstash listen`: a local endpoint that displays and verifies what it receives."""
