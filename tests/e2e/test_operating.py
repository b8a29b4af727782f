"""An operations scenario: from a seeded server to rotated keys, with a verifying handler."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import QSTASH, Dev, run
from tests.handlers import running_handler
from tests.sink import Sink

StartDev = Callable[..., Dev]

_MANIFEST = """
[queues.orders]
parallelism = 1

[schedules.report]
destination = "{handler}/report"
cron = "0 3 1 1 *"
body = "for today"
queue = "orders"
"""


def test_all_operations_reach_a_handler_that_verifies_signatures(
    start_dev: StartDev, sink: Sink, tmp_path: Path
) -> None:
    with running_handler() as handler:
        seed = tmp_path / "qstash.toml"
        seed.write_text(_MANIFEST.format(handler=handler.address))
        dev = start_dev("-port", "0", "--seed", str(seed))

        ran = dev.qstash("schedule", "run", "report", "--wait")
        assert ran.returncode == 0, ran.stderr
        idle = dev.qstash("queue", "wait", "orders", "--idle")
        assert (idle.returncode, idle.stdout) == (0, "orders\n"), idle.stderr

        sink.statuses = [503]
        lost = dev.qstash("publish", f"{sink.url}/hook", "n:=1", "--retries", "0", "--wait")
        assert lost.returncode == 8
        checks = ("check", "--queue", "orders", "--lag-max", "0", "--dlq-max", "0")
        exceeded = dev.qstash(*checks)
        assert exceeded.returncode == 1
        assert "exceeded: DLQ has 1 entry (limit 0)" in exceeded.stderr

        (entry,) = dev.qstash("dlq", "list", "-q").stdout.split()
        replayed = dev.qstash("replay", entry, "--to", f"{handler.address}/replayed", "-o", "json")
        assert replayed.returncode == 0, replayed.stderr
        assert dev.qstash("dlq", "delete", entry).returncode == 0
        assert dev.qstash(*checks).returncode == 0

        rotated = dev.qstash("keys", "rotate", "--probe", f"{handler.address}/probe", "--yes")
        assert rotated.returncode == 0, rotated.stderr
        after = dev.qstash("publish", f"{handler.address}/after", "n:=2", "--wait")
        assert after.returncode == 0, after.stderr

    assert [one.path for one in handler.taken] == ["/report", "/replayed", "/probe", "/after"]
    assert handler.refused == []
    exported = run(["/bin/sh", "-c", f'eval "$({" ".join(QSTASH)} config env --export)" && env'],
                   dev.env)  # fmt: skip
    assert f"QSTASH_URL={dev.url}\n" in exported.stdout
    assert json.loads(dev.qstash("keys", "get", "-o", "json").stdout)["current"] in rotated.stdout
