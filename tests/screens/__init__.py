"""Screens: what commands write to a terminal, recorded from real runs against canned responses."""
