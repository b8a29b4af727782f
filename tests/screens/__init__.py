"""Screens: the output of commands on a terminal, recorded from runs with scripted responses."""
