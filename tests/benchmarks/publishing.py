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
_BEARER = f"Authorization: Bearer {TOKEN}"
# The name of a peer, the function that returns its command line, and the goal for the ratio.
_Peer = tuple[str, Callable[[], list[str]], float | None]


def publish(plan: Plan) -> Iterator[Row]:
    """Yields a row for each peer with a goal."""
    yield from _rows(plan, _peers)


def publish_others(plan: Plan) -> Iterator[Row]:
    """Yields a row for each peer without a goal, for comparison."""
    yield from _rows(plan, _other_peers)


def _rows(plan: Plan, peers: Callable[[Plan, str], Iterator[_Peer]]) -> Iterator[Row]:
    with running_sink(plan.env()) as sink:
        env = plan.client_env(sink.url)
        argv = [str(plan.installed.ours / "qstash"), "publish", _TO, "name=ada"]
        ours = Process(argv=argv, env=env).run_ms
        for against, make, most in peers(plan, sink.url):
            peer = or_reason(make)
            yield compared(
                "qstash publish",
                against,
                ours,
                peer if isinstance(peer, str) else Process(argv=peer, env=env).run_ms,
                goal=None if most is None else Goal(bound="at most", ratio=most),
                rounds=plan.rounds,
            )


def _peers(plan: Plan, url: str) -> Iterator[_Peer]:
    installed = plan.installed
    yield (
        "the Python SDK in 5 lines",
        lambda: [installed.sdk, str(SCRIPTS / "sdk_publish.py"), _TO],
        0.5,
    )
    yield (
        "HTTPie",
        lambda: [
            installed.httpie,
            "--ignore-stdin",
            "--path-as-is",
            _request(url),
            _BEARER.replace(": ", ":", 1),
            "name=ada",
        ],
        0.33,
    )
    yield (
        "upstash --version (Node)",
        lambda: ["node", str(_script(installed.node_modules / ".bin" / "upstash")), "--version"],
        0.65,
    )


def _other_peers(plan: Plan, url: str) -> Iterator[_Peer]:
    installed = plan.installed
    json = ("-H", "Content-Type: application/json", "-d", '{"name":"ada"}')
    yield (
        "the Node SDK",
        lambda: ["node", str(_beside(installed.node_modules, "sdk_publish.mjs")), _TO],
        None,
    )
    yield "curl", lambda: [installed.curl, "-sf", _request(url), "-H", _BEARER, *json], None


def _request(url: str) -> str:
    return f"{url}/v2/publish/{_TO}"


def _script(link: Path) -> Path:
    return link.resolve()


def _beside(node_modules: Path, name: str) -> Path:
    # Node resolves packages relative to the script.
    place = node_modules.parent / name
    place.write_text((SCRIPTS / name).read_text())
    return place
