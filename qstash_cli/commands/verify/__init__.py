"""`qstash verify`: verify signatures offline."""
