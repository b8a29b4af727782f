"""`qstash plan`, `apply` and `export`: manage schedules, URL groups and queues as code."""
