"""Arguments in, a result out: one file per word of the command line."""
