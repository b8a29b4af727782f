"""Requests that somebody captured: what was received, and what happened to it on the way."""
