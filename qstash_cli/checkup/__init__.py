"""What may be wrong between this machine and QStash, one check at a time, for `qstash doctor`."""
