"""`qstash queue`: ordered delivery with limited parallelism."""
