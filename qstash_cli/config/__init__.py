"""Which QStash to talk to, as whom, and who said so."""
