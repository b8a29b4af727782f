"""The program's entry: the only place that ends the process."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs `qstash` with the arguments of this process."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from qstash_cli import __version__

        print(f"qstash {__version__}")  # noqa: T201 - before anything is imported
        return
    from qstash_cli.cli import run
    from qstash_cli.invocation import Invocation

    sys.exit(run(sys.argv[1:], Invocation.from_process()))


if __name__ == "__main__":
    main()
