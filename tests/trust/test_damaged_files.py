"""Damaged databases of `dev --db`: the server rejects them with a hint, or serves them."""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstash_cli.errors import QstashError
from qstash_cli.server.run import ServerConfig, running_server
from qstash_cli.server.storage.database import open_file
from tests import plain_http
from tests.e2e.conftest import QSTASH, plain_environment, run
from tests.figures import Figures
from tests.trust.conftest import AUTHORISED, LogLines

# Servers of earlier tests must not log any more.
pytestmark = pytest.mark.usefixtures("all_stopped")

DAMAGE = "server, damaged files"
NOWHERE = "http://127.0.0.1:9/"
PAGE = 4096
LISTS = (
    "logs", "events", "logs?groupBy=messageId", "logs?trimBody=3", "dlq", "queues", "schedules",
    "topics", "flowControl", "bulkActions", "keys", "globalParallelism",
)  # fmt: skip


class Damage(NamedTuple):
    """A change to a file at a place, given as a fraction of its length."""

    kind: str
    place: float
    seed: int


DAMAGES = st.builds(
    Damage,
    st.sampled_from(["bit", "byte", "zeros", "noise", "text", "cut", "longer", "page"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 2**32),
)


def damaged(content: bytes, damage: Damage) -> bytes:
    chance = random.Random(damage.seed)  # noqa: S311 - no secret
    changed = bytearray(content)
    at = int(damage.place * len(content))
    length = chance.choice([1, 4, 16, 100, PAGE, 3 * PAGE])
    match damage.kind:
        case "bit":
            changed[at] ^= 1 << chance.randrange(8)
        case "byte":
            changed[at] = chance.randrange(256)
        case "zeros":
            changed[at : at + length] = bytes(len(changed[at : at + length]))
        case "noise":
            changed[at : at + length] = chance.randbytes(len(changed[at : at + length]))
        case "text":
            changed[at : at + length] = b"\xff{[\"'" * (length // 5 + 1)
        case "cut":
            del changed[at:]
        case "longer":
            changed += chance.randbytes(length)
        case _:
            first, second = at // PAGE * PAGE, chance.randrange(len(content) // PAGE) * PAGE
            changed[first : first + PAGE] = content[second : second + PAGE]
    return bytes(changed)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with every kind of record, fully checkpointed."""
    path = tmp_path_factory.mktemp("intact") / "db"
    with running_server(ServerConfig(port=0, db=path)) as url, client(url) as http:
        http.post("topics/t/endpoints", json={"endpoints": [{"url": f"{NOWHERE}group"}]})
        http.post("queues", json={"queueName": "q", "parallelism": 2})
        http.post("queues/q/pause")
        http.post("flowControl/f/pin?rate=7&parallelism=2")
        later = {"Upstash-Delay": "90d", "Upstash-Label": "a,b"}
        for number in range(20):
            cron = {"Upstash-Cron": "0 3 1 1 *", "Upstash-Schedule-Id": f"s{number}"}
            http.post(f"schedules/{NOWHERE}{number}", headers=cron, content=b"x" * 50 * number)
            http.post(f"publish/{NOWHERE}{number}", headers=later, content=b"y" * 300 * number)
            http.post(f"enqueue/q/{NOWHERE}{number}")
            http.post(f"publish/{NOWHERE}{number}", headers={"Upstash-Retries": "0"})
        http.request("DELETE", "messages", params={"label": "b", "count": "3"})
        while len(http.get("dlq").json()["messages"]) < 20:
            pass
    with closing(open_file(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def client(url: str) -> httpx.Client:
    return plain_http.Client(base_url=f"{url}/v2", headers=AUTHORISED, timeout=60)


@contextmanager
def logged() -> Iterator[list[str]]:
    handler = LogLines()
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(handler)
    try:
        yield handler.texts
    finally:
        logger.removeHandler(handler)


def used(http: httpx.Client) -> set[int]:
    """Returns the status codes of all lists and of a publish; each response must be JSON."""
    responses = [http.get(path) for path in LISTS]
    responses += [
        http.post(f"publish/{NOWHERE}new"),
        http.post(f"enqueue/q/{NOWHERE}new"),
        http.post("publish/t"),
        http.request("DELETE", "messages", params={"label": "a"}),
        http.post("dlq/retry"),
    ]
    for one in responses:
        assert one.status_code < 500 or one.json()["error"], one.text
    return {one.status_code for one in responses}


def served(path: Path) -> set[int] | QstashError:
    """Returns the status codes of a server on a database, or the error if it does not start."""
    with logged() as at_start:
        try:
            with running_server(ServerConfig(port=0, db=path)) as url, client(url) as http:
                assert at_start == []
                return used(http)
        except QstashError as error:
            assert at_start == []
            return error


def outcome(content: bytes) -> str:
    """Returns `refused`, or `served` with or without errors."""
    folder = Path(tempfile.mkdtemp())
    path = folder / "db"
    path.touch(0o600)
    path.write_bytes(content)
    try:
        found = served(path)
        if not isinstance(found, QstashError):
            return "served" if max(found) < 500 else "served with errors"
        assert str(path) in found.message
        assert found.hint
        if "is damaged" in found.message:
            # The file is unchanged, so that its data can be recovered.
            assert path.read_bytes() == content
        return "refused"
    finally:
        shutil.rmtree(folder)


def assert_no_damage_stops_without_a_reason(intact: bytes, figures: Figures, cases: int) -> None:
    outcomes = dict.fromkeys(("refused", "served", "served with errors"), 0)

    @settings(
        max_examples=cases, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(DAMAGES)
    def check(damage: Damage) -> None:
        outcomes[outcome(damaged(intact, damage))] += 1

    try:
        check()
    finally:
        figures(
            DAMAGE, cases=sum(outcomes.values()), refused=outcomes["refused"],
            served=outcomes["served"], served_with_errors=outcomes["served with errors"],
        )  # fmt: skip
    assert outcomes["refused"] > 0
    assert outcomes["served"] > 0


def test_an_intact_file_is_served_without_errors(intact: bytes) -> None:
    assert outcome(intact) == "served"


def test_a_damaged_file_is_rejected_with_a_hint_or_served(intact: bytes, figures: Figures) -> None:
    assert_no_damage_stops_without_a_reason(intact, figures, 60)


@pytest.mark.soak
def test_many_damaged_files_are_rejected_with_a_hint_or_served(
    intact: bytes, figures: Figures
) -> None:
    assert_no_damage_stops_without_a_reason(intact, figures, 3000)


@pytest.mark.parametrize("kind", ["zeros", "noise", "cut", "page"])
@pytest.mark.parametrize("place", [0.0, 0.001, 0.5, 0.97])
def test_a_process_on_a_damaged_file_exits_with_1_or_serves(
    intact: bytes, tmp_path: Path, figures: Figures, kind: str, place: float
) -> None:
    path = tmp_path / "db"
    path.write_bytes(damaged(intact, Damage(kind, place, 3)))

    # `dev -- CMD` ends with its command.
    done = run(
        [*QSTASH, "dev", "--db", str(path), "--", *QSTASH, "keys", "get"],
        plain_environment(tmp_path),
    )

    figures(DAMAGE, cases=1)
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert done.returncode == 1, done.stderr
        assert done.stderr.startswith("error: ")
        assert "\nhint: " in done.stderr
