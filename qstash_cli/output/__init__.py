"""Renders results and errors. The only package that writes to standard output."""
