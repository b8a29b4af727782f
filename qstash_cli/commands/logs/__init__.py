"""`qstash logs`: what happened to messages."""
