"""The frame that every command runs in: from the arguments to the exit code."""
