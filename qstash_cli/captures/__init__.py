"""Captured requests: parsing them, and diagnosing what changed them in transit."""
