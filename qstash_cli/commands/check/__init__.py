"""`qstash check`: check the account against limits."""
