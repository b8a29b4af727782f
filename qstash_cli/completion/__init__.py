"""Completion in shells: what may stand at the cursor, and the scripts that ask for it."""
