"""Completion in shells: the values at the cursor, and the scripts that request them."""
