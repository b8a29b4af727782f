"""`plan`, `apply` and `export` against real servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.endpoint import Endpoint, Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests.conftest import Qstash, Run

URL = "https://example.com"
SMALL = f"""
[queues.emails]
parallelism = 2
paused = true

[flow.openai]
rate = 10
period = "1m"
parallelism = 5

[urlgroups.orders]
endpoints = [{{ url = "{URL}/a", name = "first" }}, {{ url = "{URL}/b" }}]

[urlgroups.orders.headers]
Upstash-Retries = "5"
X-Team = "blue"

[schedules.nightly]
destination = "{URL}/hook"
cron = "0 3 * * *"
tz = "Europe/Berlin"
retries = 5
body = '{{"kind":"nightly"}}'
label = ["nightly", "reports"]
headers = {{ Content-Type = "application/json" }}
callback = {{ url = "{URL}/done", headers = {{ X-Of = "callback" }} }}

[schedules.fan]
destination = "orders"
cron = "*/5 * * * *"
paused = true
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Writes a manifest, and returns its path."""

    def write_(text: str) -> str:
        path = tmp_path / "qstash.toml"
        path.write_text(text)
        return str(path)

    return write_


@contextmanager
def proxy(server_url: str, refuse: Callable[[Received], bool]) -> Iterator[Endpoint]:
    """A real proxy that keeps what passes, and answers 500 to what it is to refuse."""

    def forward(request: Received) -> tuple[int, bytes]:
        if refuse(request):
            return 500, b'{"error":"out of order"}'
        sent = Request(  # noqa: S310 - to the server of the test
            f"{server_url}{request.path}", request.body or None, method=request.method
        )
        for name, value in request.headers:
            if name.lower() not in {"host", "content-length", "connection"}:
                sent.add_header(name, value)
        try:
            with urlopen(sent) as answer:  # noqa: S310 - the same
                return answer.status, answer.read()
        except HTTPError as refused:
            return refused.code, refused.read()

    with running_endpoint(forward) as endpoint:
        yield endpoint


def writes(endpoint: Endpoint) -> list[str]:
    return [f"{r.method} {r.path}" for r in endpoint.received if r.method != "GET"]


def test_the_manifest_of_the_readme_is_one(local: Qstash, write: Callable[[str], str]) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    path = write(readme.partition("```toml\n")[2].partition("```")[0])

    assert local("apply", "-f", path, "--yes").out.count("create\t") == 4
    assert local("plan", "-f", path, "--check").code == 0


def test_a_manifest_of_fifty_is_applied_and_the_second_time_sends_nothing(
    local: Qstash, server_url: str, write: Callable[[str], str]
) -> None:
    redacted = f'body = "x"\nredact = "body"\ncallback = {{url = "{URL}", retries = 1}}\n'
    many = [SMALL]
    many += [f"[queues.q{n}]\nparallelism = {n}" for n in range(1, 12)]
    many += [f"[flow.k{n}]\nparallelism = {n}" for n in range(1, 12)]
    many += [f'[urlgroups.g{n}]\nendpoints = ["{URL}/{n}"]' for n in range(1, 12)]
    many += [f'[schedules.s{n}]\ndestination = "g{n}"\ncron = "@daily"' for n in range(1, 12)]
    many += [f'[schedules.hidden]\ndestination = "{URL}"\ncron = "@daily"\n{redacted}']
    path = write("\n".join(many))

    with proxy(server_url, lambda _request: False) as between:
        local.env["QSTASH_URL"] = between.url
        first = local("apply", "-f", path, "--yes")
        assert (first.code, first.out.count("create\t")) == (0, 50), first
        assert len(writes(between)) > 50
        between.received.clear()

        second = local("apply", "-f", path)

    assert (second.code, second.out) == (0, ""), second
    assert "no differences" in second.err
    assert writes(between) == []
    assert {r.method for r in between.received} == {"GET"}


def test_an_account_moves_to_another_region(
    qstash: Qstash, write: Callable[[str], str], tmp_path: Path
) -> None:
    with (
        running_server(ServerConfig(port=0)) as eu,
        running_server(ServerConfig(port=0)) as us,
    ):
        for name, url in (("eu", eu), ("us", us)):
            qstash("config", "set", name, "--api-url", url, "--token-stdin",
                   stdin=DEV_USER.token.encode())  # fmt: skip
        qstash("schedule", "create", f"{URL}/%C3%A9?a=${{b}}", "-d", "a\r\nb ${HOME}",
               "--cron", "@daily", "--id", "by-hand", "-H", "X-A: é", "-p", "eu")  # fmt: skip
        (tmp_path / "body").write_bytes(b"\xff\x00")
        qstash("schedule", "create", f"{URL}/", "-d", f"@{tmp_path / 'body'}",
               "--cron", "0 0 1 * *", "--id", "binary", "--flow-key", "a b", "--rate", "3",
               "-p", "eu")  # fmt: skip
        assert qstash("apply", "-f", write(SMALL), "--yes", "-p", "eu").code == 0
        exported = qstash("export", "-p", "eu")
        assert exported.code == 0, exported

        moved = qstash("apply", "-f", "-", "--yes", "-p", "us", stdin=exported.out.encode())

        assert moved.code == 0, moved
        again = qstash("export", "-p", "us")
        assert again.out == exported.out
        assert "managed-by" not in again.out
        compared = qstash("plan", "-f", "-", "--check", "--prune", "-p", "us",
                          stdin=exported.out.encode())  # fmt: skip
        assert compared.code == 0, compared
        assert qstash("schedule", "get", "by-hand", "-p", "us").json["body"] == "a\r\nb ${HOME}"
        assert qstash("schedule", "get", "binary", "-p", "us").json["bodyBase64"] == "/wA="


def test_a_plan_tells_the_differences_and_check_fails_for_them(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("apply", "-f", write(SMALL), "--yes")
    changed = SMALL.replace("retries = 5", "retries = 6").replace(f"{URL}/b", f"{URL}/c")
    path = write(changed.replace("X-Team = ", "X-Group = ").replace("parallelism = 2\n", ""))

    shown = local("plan", "-f", path)
    failed = local("plan", "-f", path, "--check", "-o", "json")

    assert shown.code == 0
    assert (
        shown.out
        == f"""\
~ queue emails
    parallelism  2 -> 1
~ urlgroup orders
    + endpoint {URL}/c
    - endpoint {URL}/b
    headers.X-Group  none -> blue
    headers.X-Team   blue -> none
~ schedule nightly
    retries  5 -> 6

3 to change
"""
    )
    assert failed.code == 9, failed
    assert failed.json[2] == {
        "action": "change",
        "kind": "schedule",
        "name": "nightly",
        "takesOver": False,
        "changes": [{"field": "retries", "old": 5, "new": 6}],
    }
    assert local("apply", "-f", path, "--yes").code == 0
    assert local("plan", "-f", path, "--check").code == 0


def test_a_terminal_shows_colours_and_breaks_long_changes(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("apply", "-f", write(SMALL), "--yes")
    path = write(
        SMALL.replace(f"{URL}/hook", f"{URL}/another").replace("[queues.emails]", "[queues.n]")
    )

    wide = local("plan", "-f", path, "--prune", tty=True)
    narrow = local("plan", "-f", path, "--prune", tty=True, columns=40, NO_COLOR="1")

    assert "\x1b[32m+ queue n" in wide.out
    assert "\x1b[33m~ schedule nightly" in wide.out
    assert "\x1b[31m- queue emails" in wide.out
    assert f"    destination\n      - {URL}/hook\n      + {URL}/another\n" in narrow.out
    assert "\x1b" not in narrow.out


def test_applying_asks_and_does_nothing_before(local: Qstash, write: Callable[[str], str]) -> None:
    path = write(SMALL)

    piped = local("apply", "-f", path)
    refused = local("apply", "-f", path, tty=True, stdin=b"n\n")
    only_shown = local("apply", "-f", path, "--dry-run")

    assert (piped.code, "+ queue emails" in piped.err, "--yes" in piped.err) == (2, True, True)
    assert (refused.code, "Apply 5 changes to http://127" in refused.err) == (130, True), refused
    assert (only_shown.code, "5 to create" in only_shown.out) == (0, True)
    assert local("queue", "list").out == ""
    assert local("apply", "-f", path, "--curl").code == 2
    assert local("apply", "-f", path, tty=True, stdin=b"y\n").code == 0
    assert local("queue", "list", "-q").out == "emails\n"


def test_pruning_removes_what_is_not_listed_of_the_kinds_that_are_named(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("apply", "-f", write(SMALL), "--yes")
    local("schedule", "create", URL, "--cron", "@daily", "--id", "by-hand")
    path = write("[schedules]\n[urlgroups]\n[flow]\n")

    kept = local("apply", "-f", path)
    asked = local("apply", "-f", path, "--prune")
    pruned = local("apply", "-f", path, "--prune", "--yes")

    assert (kept.code, "kept without --prune: schedule fan" in kept.err) == (0, True), kept
    assert (asked.code, "4 of them deletions" in asked.err) == (2, True), asked
    assert pruned.out == (
        "delete\tschedule\tfan\ndelete\tschedule\tnightly\n"
        "delete\turlgroup\torders\ndelete\tflow\topenai\n"
    ), pruned
    assert local("schedule", "list", "-q").out == "by-hand\n"
    assert local("queue", "list", "-q").out == "emails\n"
    assert local("urlgroup", "list", "-q").out == ""


def test_the_first_failure_stops_it_and_tells_what_was_done(
    local: Qstash, server_url: str, write: Callable[[str], str]
) -> None:
    path = write(SMALL)

    with proxy(server_url, lambda request: "schedules/orders" in request.path) as between:
        failed = local("apply", "-f", path, "--yes", QSTASH_URL=between.url)
    with proxy(server_url, lambda request: request.method != "GET") as between:
        local("queue", "delete", "emails", "--yes")
        refused = local("apply", "-f", path, "--yes", QSTASH_URL=between.url)

    assert failed.code == 10, failed
    assert failed.out.splitlines() == [
        "create\tqueue\temails", "create\tflow\topenai", "create\turlgroup\torders",
    ]  # fmt: skip
    assert "error: create schedule fan: QStash refused" in failed.err
    assert "3 of 5 changes are done" in failed.err
    assert "not done: create schedule fan, create schedule nightly" in failed.err
    assert (refused.code, "nothing was changed" in refused.err) == (1, True), refused
    assert local("apply", "-f", path, "--yes").code == 0
    assert local("plan", "-f", path, "--check").code == 0


def test_a_schedule_of_the_same_id_is_taken_over(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("schedule", "create", URL, "--cron", "@daily", "--id", "s", "--label", "mine")
    path = write(f'[schedules.s]\ndestination = "{URL}"\ncron = "@daily"\nlabel = "mine"\n')

    planned = local("plan", "-f", path)
    local("apply", "-f", path, "--yes")

    assert "~ schedule s (taken over: no manifest made it)\n" in planned.out
    assert local("schedule", "get", "s").json["labels"] == ["mine", "managed-by-qstash-cli"]
    assert local("plan", "-f", path, "--check").code == 0


def test_redacted_schedules_are_not_exported(local: Qstash) -> None:
    for name, flags in (
        ("body", ("--redact", "body")),
        ("one-header", ("--redact", "headers[Authorization]", "-H", "Authorization: hunter2")),
        ("open", ()),
    ):
        local("schedule", "create", URL, "-d", "secret", "--cron", "@daily", "--id", name, *flags)

    exported = local("export")

    assert exported.code == 10, exported
    assert "[schedules.open]" in exported.out
    assert "one-header" not in exported.out
    assert "REDACTED" not in exported.out
    assert "body: QStash hides its body; one-header: QStash hides its header Auth" in exported.err


def test_hidden_options_of_a_managed_schedule_are_not_lost_silently(
    local: Qstash, write: Callable[[str], str]
) -> None:
    text = f'[schedules.s]\ndestination = "{URL}"\ncron = "@daily"\n'
    text += f'[schedules.s.callback]\nurl = "{URL}"\n'
    local("apply", "-f", write(f"{text}retries = 2\n"), "--yes")

    exported = local("export")
    changed = local("plan", "-f", write(f"{text}retries = 4\n"))

    assert (exported.code, "[schedules.s]" in exported.out) == (10, False), exported
    assert "callback.retries  (not shown by QStash) -> 4" in changed.out


def test_no_secret_is_shown(local: Qstash, server_url: str, write: Callable[[str], str]) -> None:
    path = write(f"""
        [schedules.s]
        destination = "{URL}/${{API_TOKEN}}"
        cron = "@daily"
        body = "pin 1234"
        redact = "body"
        headers = {{ Authorization = "Bearer swordfish", X-Plain = "${{SHORT_KEY}}" }}
        [urlgroups.g]
        endpoints = ["{URL}/?key=${{API_TOKEN}}"]
    """)
    local.env |= {"API_TOKEN": "hunter2", "SHORT_KEY": "abc"}

    with proxy(server_url, lambda request: request.method == "POST") as between:
        runs: list[Run] = [
            local("plan", "-f", path),
            local("plan", "-f", path, "-o", "json"),
            local("apply", "-f", path, "--yes", QSTASH_URL=between.url),
            local("plan", "-f", write(Path(path).read_text() + "\noops = 1")),
        ]

    assert [run.code for run in runs] == [0, 0, 1, 2], runs
    for run in runs:
        for secret in ("hunter2", "swordfish", "1234", "abc"):
            assert secret not in run.out + run.err, run
    assert "headers.Authorization  (hidden)" in runs[0].out


def test_messages_a_day_are_held_against_the_plan(
    qstash: Qstash, server_url: str, write: Callable[[str], str]
) -> None:
    qstash("config", "path")
    qstash.home.mkdir(mode=0o700, exist_ok=True)
    (qstash.home / "config.toml").write_text(
        f'[profiles.small]\napi_url = "{server_url}"\ntoken = "{DEV_USER.token}"\nplan = "free"\n'
    )
    path = write(f'[schedules.s]\ndestination = "{URL}"\ncron = "* * * * *"\n')

    run = qstash("plan", "-f", path, "-p", "small")

    assert "1,440 messages a day, and the free plan allows 1,000" in run.err, run


def test_a_schedule_to_a_group_that_is_not_there_is_warned_of(
    local: Qstash, write: Callable[[str], str]
) -> None:
    run = local("plan", "-f", write('[schedules.s]\ndestination = "nobody"\ncron = "@daily"'))

    assert "schedule s publishes to a URL group that is not there: nobody" in run.err, run


SOURCES = {
    "no file": (("plan", "-f", "/nowhere/qstash.toml"), b"", "qstash export > qstash.toml"),
    "nothing on standard input": (("apply", "-f", "-", "--yes"), b"", "standard input is empty"),
    "a typo": (("plan", "-f", "-"), b"[queues.a]\nparalelism = 2", "did you mean 'parallelism'?"),
    "a format": (("plan", "-o", "yaml"), b"", "the formats are"),
}


@pytest.mark.parametrize("case", SOURCES.values(), ids=list(SOURCES))
def test_bad_input_sends_nothing(
    local: Qstash, server_url: str, case: tuple[tuple[str, ...], bytes, str]
) -> None:
    argv, stdin, words = case

    with proxy(server_url, lambda _request: False) as between:
        run = local(*argv, stdin=stdin, QSTASH_URL=between.url)

    assert (run.code, words in run.err, run.out) == (2, True, ""), run
    assert between.received == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((("a", ""),), (("a", "x"),)),
        ((("a", "x"),), (("a", ""),)),
        ((("a", "x"),), (("b", "x"),)),
        ((("a", "x"), ("b", "y")), (("b", "x"), ("a", "y"))),
        ((("a", "x"),), (("b", "x"), ("a", ""))),
        ((("a", "x"), ("a", "y"), ("b", "")), (("a", "y"), ("c", ""))),
        ((("a", ""), ("b", "")), (("c", ""),)),
    ],
)
def test_endpoints_become_those_of_the_manifest_and_keep_the_headers(
    local: Qstash,
    write: Callable[[str], str],
    before: tuple[tuple[str, str], ...],
    after: tuple[tuple[str, str], ...],
) -> None:
    def manifest(endpoints: tuple[tuple[str, str], ...]) -> str:
        items = [{"url": f"{URL}/{url}", "name": name} for url, name in endpoints]
        listed = ", ".join(f'{{url = "{i["url"]}", name = "{i["name"]}"}}' for i in items)
        return write(f"[urlgroups.g]\nendpoints = [{listed}]\nheaders = {{X-A = 'b'}}\n")

    assert local("apply", "-f", manifest(before), "--yes").code == 0
    assert local("apply", "-f", manifest(after), "--yes").code == 0

    group = local("urlgroup", "get", "g").json
    found = {(e["url"].removeprefix(f"{URL}/"), e.get("name", "")) for e in group["endpoints"]}
    assert found == set(after), json.dumps(group)
    assert group["headers"] == {"Upstash-Forward-X-A": ["b"]}
