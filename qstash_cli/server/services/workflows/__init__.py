"""Runs of Upstash Workflow."""
