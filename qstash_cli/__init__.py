"""The command line of Upstash QStash, with a QStash server to run it against."""

__version__ = "0.1.0"
# The command lines that print the version.
VERSION_ARGUMENTS = (["--version"], ["-V"])
