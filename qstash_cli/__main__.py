"""The program's entry: the only place that ends the process."""

from __future__ import annotations

import gc
import os
import sys

from qstash_cli import VERSION_ARGUMENTS, __version__

# Where thousands of records are held, looking for cycles after every 700 of them takes a quarter of
# the time. There are few cycles, and that number of objects takes a few megabytes.
_OBJECTS_BEFORE_A_LOOK = 50_000


def main() -> None:
    """Runs `qstash` with the arguments of this process."""
    if sys.argv[1:] in VERSION_ARGUMENTS:
        # Before anything slow is imported, and unbuffered: no flush at the end can fail.
        try:
            os.write(1, f"qstash {__version__}\n".encode())
        except OSError:
            pass
        else:
            return
    gc.set_threshold(_OBJECTS_BEFORE_A_LOOK, 20, 100)
    from qstash_cli.cli.context import Context
    from qstash_cli.cli.run import run

    code = run(sys.argv[1:], Context.from_process())
    # The end of a process begins with two looks for cycles in all that was ever imported: 12 ms of
    # the 84 that `publish --help` took. Nothing is left there that has to be closed.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
