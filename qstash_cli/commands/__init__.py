"""The commands, in one module or package each. A command takes options and returns a result."""
