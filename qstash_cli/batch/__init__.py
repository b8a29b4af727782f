"""The engine of `qstash batch`: rows of a file, batch items, chunks, the journal and the sender."""
