"""How results and failures are shown. The only room that writes to standard output."""
