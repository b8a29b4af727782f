"""`qstash batch`: publish the records of a file or a stream."""
