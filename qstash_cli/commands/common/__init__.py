"""Options, views and waiting shared by several commands."""
