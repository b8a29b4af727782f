"""`qstash plan`, `apply` and `export`: schedules, URL groups and queues as code."""
