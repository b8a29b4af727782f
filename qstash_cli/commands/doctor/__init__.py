"""`qstash doctor`: diagnose credentials, network and clock."""
