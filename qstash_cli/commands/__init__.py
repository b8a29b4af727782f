"""Options in, a result out: one module or package per command."""
