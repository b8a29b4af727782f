"""One `qstash publish` to a server on loopback, as a whole process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.installed import SCRIPTS, or_reason
from tests.benchmarks.plan import TOKEN, Plan
from tests.benchmarks.rows import Goal, Row
from tests.benchmarks.services import running_sink
from tests.benchmarks.timing import Process, compared

_TO = "https://example.com/hook"


def publish(plan: Plan) -> Iterator[Row]:
    """A row for each peer."""
    with running_sink(plan.env()) as sink:
        env = plan.client_env(sink.url)
        argv = [str(plan.installed.ours / "qstash"), "publish", _TO, "name=ada"]
        ours = Process(argv=argv, env=env).run_ms
        for against, peer, most in _peers(plan, sink.url):
            made = or_reason(peer)
            yield compared(
                "qstash publish",
                against,
                ours,
                made if isinstance(made, str) else Process(argv=made, env=env).run_ms,
                goal=None if most is None else Goal(bound="at most", ratio=most),
                rounds=plan.rounds,
            )


def _peers(plan: Plan, url: str) -> Iterator[tuple[str, Callable[[], list[str]], float | None]]:
    installed = plan.installed
    request = f"{url}/v2/publish/{_TO}"
    bearer = f"Authorization: Bearer {TOKEN}"
    json = "Content-Type: application/json"
    yield (
        "the Python SDK in 5 lines",
        lambda: [installed.sdk, str(SCRIPTS / "sdk_publish.py"), _TO],
        0.55,
    )
    yield (
        "HTTPie",
        lambda: [
            installed.httpie,
            "--ignore-stdin",
            "--path-as-is",
            request,
            bearer.replace(": ", ":", 1),
            "name=ada",
        ],
        0.4,
    )
    yield (
        "upstash --version (Node)",
        lambda: ["node", str(_script(installed.node_modules / ".bin" / "upstash")), "--version"],
        1.0,
    )
    yield (
        "the Node SDK",
        lambda: ["node", str(_beside(installed.node_modules, "sdk_publish.mjs")), _TO],
        None,
    )
    yield (
        "curl",
        lambda: [installed.curl, "-sf", request, "-H", bearer, "-H", json, "-d", '{"name":"ada"}'],
        None,
    )


def _script(link: Path) -> Path:
    return link.resolve()


def _beside(node_modules: Path, name: str) -> Path:
    # Node looks for packages from where the script is.
    place = node_modules.parent / name
    place.write_text((SCRIPTS / name).read_text())
    return place
