"""`python -m tests.benchmarks` runs all benchmarks with goals, or those named."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import bulk, growing, listing, publishing, serving, start_up, verifying
from tests.benchmarks.installed import Installed
from tests.benchmarks.plan import Benchmark, Plan
from tests.benchmarks.rows import Row, table

# These rows must meet their goals.
GOALS: dict[str, Benchmark] = {
    "start-up": start_up.start_up,
    "completion": start_up.completion,
    "publish": publishing.publish,
    "verify": verifying.verify,
    "verify-many": verifying.verify_many,
    "batch": bulk.batch,
    "batch-memory": bulk.batch_memory,
    "accept": serving.accept,
    "console": serving.console,
    "deliver": serving.deliver,
    "long-log": listing.long_log,
    "groups": listing.groups,
    "captures": growing.captures,
}
MORE: dict[str, Benchmark] = {
    "publish-others": publishing.publish_others,
    "delayed": serving.delayed,
    "lists": listing.lists,
}
BENCHMARKS = GOALS | MORE


def main() -> None:
    """Runs the benchmarks, prints the table and writes the JSON."""
    asked = _arguments()
    names = asked.only or list(BENCHMARKS if asked.all else GOALS)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="qstash-benchmarks-") as work:
        plan = Plan(installed=Installed(asked.cache), work=Path(work), quick=asked.quick)
        for name in names:
            sys.stderr.write(f"{name} ...\n")
            for row in BENCHMARKS[name](plan):
                rows.append(row)
                sys.stderr.write(f"  {row.what} / {row.against}: {row.ratio or row.note}\n")
    sys.stdout.write(table(rows))
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": sys.platform}
    record = {"machine": machine, "quick": asked.quick, "rows": [row.as_record() for row in rows]}
    asked.json.write_text(json.dumps(record, indent=2) + "\n")
    sys.stderr.write(f"written: {asked.json}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=list(BENCHMARKS), help="one benchmark; repeatable"
    )
    parser.add_argument("--all", action="store_true", help=f"also {', '.join(MORE)}")
    parser.add_argument("--quick", action="store_true", help="smaller numbers, fewer rounds")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        / "qstash-benchmarks",
        help="where the peers are installed (default %(default)s)",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(tempfile.gettempdir()) / "qstash-benchmarks.json",
        help="where the figures are written (default %(default)s)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
