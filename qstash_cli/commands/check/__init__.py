"""`qstash check`: limits of an account as an exit code."""
