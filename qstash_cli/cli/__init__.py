"""Everything that runs around a command: parsing arguments, rendering results, reporting errors."""
