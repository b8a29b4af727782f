"""Invalid input is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.in_process import Qstash
from tests.sink import Sink

URL = "https://example.com/hook"
CASES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "missing scheme": (
        ("publish", "example.com/hook"),
        "the destination has no http:// or https://: example.com/hook",
        "try https://example.com/hook",
    ),
    "a host that could be a group": (
        ("publish", "example.com"),
        "the destination has no http:// or https://: example.com",
        "try https://example.com, or pass --no-check if it is a URL group",
    ),
    "percent-encoded destination": (
        ("publish", "https%3A%2F%2Fexample.com"),
        "the destination is percent-encoded: https%3A%2F%2Fexample.com",
        "pass the plain URL, with ://",
    ),
    "empty destination": (
        ("publish", ""),
        "the destination is empty",
        "pass a URL or the name of a URL group",
    ),
    "blank in the destination": (
        ("publish", "https://example.com/a b"),
        "contains characters that are not allowed in a URL: 'https://example.com/a b'",
        "percent-encode spaces and non-ASCII characters",
    ),
    "loopback": (
        ("publish", "http://localhost:3000/hook"),
        "the destination is a loopback address, which QStash cannot reach from the cloud",
        "run `qstash dev` and add --dev to deliver on this machine",
    ),
    "private address": (
        ("publish", "http://192.168.1.7/hook"),
        "is a private address, which QStash cannot reach from the cloud: http://192.168.1.7/hook",
        "run `qstash dev` and add --dev to deliver on this machine",
    ),
    "callback to loopback": (
        ("publish", URL, "--callback", "http://[::1]/x"),
        "the callback is a loopback address, which QStash cannot reach from the cloud: http://[",
        "run `qstash dev` and add --dev to deliver on this machine",
    ),
    "colon in the deduplication id": (
        ("publish", URL, "--dedup-id", "a:b"),
        "--dedup-id: a deduplication id cannot be empty or contain ':' or spaces: 'a:b'",
        "separate its parts with '-' or '_'",
    ),
    "blank in the deduplication id": (
        ("publish", URL, "--dedup-id", "a b"),
        "--dedup-id: a deduplication id cannot be empty or contain ':' or spaces: 'a b'",
        "separate its parts with '-' or '_'",
    ),
    "delay on a queue": (
        ("publish", URL, "--queue", "q", "--delay", "5s"),
        "messages in a queue cannot use --delay or --not-before",
        "remove the delay, or publish without --queue",
    ),
    "empty queue": (
        ("publish", URL, "--queue", ""),
        "--queue: not a valid queue or schedule name: ''",
        "use letters, digits, '.', '_' and '-'",
    ),
    "empty label": (
        ("publish", URL, "--label", "a,,b"),
        "--label: empty label: 'a,,b'",
        "separate labels with single commas",
    ),
    "callback without a scheme": (
        ("publish", URL, "--callback", "example.com/done"),
        "--callback: the callback URL has no http:// or https://: example.com/done",
        "try https://example.com/done",
    ),
    "duration": (
        ("publish", URL, "--delay", "5 minutes"),
        "--delay: not a duration: '5 minutes'",
        "write numbers with d, h, m or s, such as 90s or 1d10h30m",
    ),
    "retry delay": (
        ("publish", URL, "--retry-delay", "import os"),
        "--retry-delay: not a retry delay: 'import os'",
        "write an expression for milliseconds with numbers",
    ),
    "rate without a key": (
        ("publish", URL, "--rate", "5"),
        "rate, period and parallelism require a flow control key",
        "add --flow-key KEY",
    ),
    "period over seven days": (
        ("publish", URL, "--flow-key", "k", "--rate", "1", "--period", "8d"),
        "--period: the period must be between 1s and 7d: '8d'",
        "use a lower rate with a shorter period",
    ),
    "pinned period over seven days": (
        ("flow", "pin", "k", "--rate", "1", "--period", "604801"),
        "--period: the period must be between 1s and 7d: '604801'",
        "use a lower rate with a shorter period",
    ),
    "two retry delays": (
        ("publish", URL, "--retry-delay", "1000;2"),
        "--retry-delay: not a retry delay: '1000;2'",
        "write an expression for milliseconds with numbers",
    ),
    "header": (("publish", URL, "-H", "no colon"), "--header: not a header", "write 'Name: value'"),
    "invalid JSON": (
        ("publish", URL, "--data-json", "{"),
        "--data-json: not JSON",
        "use --data to send it as it is",
    ),
    "two bodies": (
        ("publish", URL, "a=1", "-d", "x"),
        "more than one body: items and --data",
        "nothing was sent",
    ),
    "a file that is not there": (
        ("publish", URL, "-d", "@/nowhere/at/all"),
        "cannot read the file: /nowhere/at/all: no such file or directory",
        "check the path",
    ),
    "a batch of a file that is not there": (
        ("batch", "/nowhere/at/all"),
        "cannot read the file: /nowhere/at/all: no such file or directory",
        "check the path",
    ),
    "a negative lifetime": (
        ("sign", "--url", URL, "--dev", "--expires-in", "-5m"),
        "--expires-in: a lifetime is not negative: '-5m'",
        'for an expired signature, set an earlier time: --at "1h ago"',
    ),
    "delay over the plan": (
        ("publish", URL, "-p", "small", "--delay", "8d"),
        "the delay exceeds the limit of the free plan: 8d",
        "the limit is 7d; pass --no-check to send it anyway",
    ),
    "body over the plan": (
        ("publish", URL, "-p", "small", "-d", "x" * 1_048_577),
        "the body exceeds the limit of the free plan: 1048577 bytes",
        "the limit is 1048576 bytes; send a link to the data, or pass --no-check to send it anyway",
    ),
    "an API URL that is a publish URL": (
        ("publish", URL, "--api-url", "https://qstash.upstash.io/v2/publish", "--token", "t"),
        "/v2/publish",
        "https://qstash.upstash.io",
    ),
    "an API URL without TLS": (
        ("publish", URL, "--api-url", "http://example.com", "--token", "t"),
        "http://example.com",
        "--insecure",
    ),
    "empty message id": (("message", "get", ""), "not a message id: ''", "nothing was sent"),
    "empty DLQ id": (("dlq", "delete", ""), "not a DLQ id: ''", "nothing was sent"),
    "bulk without a filter": (
        ("dlq", "delete", "--yes"),
        "no entry is named",
        "give an id, a filter such as --label, or --all",
    ),
    "bulk unconfirmed": (
        ("dlq", "delete", "--label", "x"),
        "not confirmed: Delete all DLQ entries (label x)?",
        "add --yes; nothing was sent",
    ),
    "rotation unconfirmed": (
        ("keys", "rotate"),
        "not confirmed: Rotate the signing keys?",
        "add --yes; nothing was sent",
    ),
    "state": (("logs", "--state", "lost"), "--state: not a state: 'lost'", "one of CREATED"),
    "times the wrong way round": (
        ("logs", "--since", "1h", "--until", "2h"),
        "--since is after --until",
        "nothing was sent",
    ),
    "format": (("logs", "-o", "xml"), "xml", "table"),
    "column": (
        ("publish", URL, "--columns", "messageId,colour"),
        "colour",
        "messageId",
    ),
    "query": (("publish", URL, "--query", "[}"), "[}", ""),
    "unknown flag": (
        ("publish", URL, "--retrys", "3"),
        "no such option: --retrys",
        "`qstash publish --help` shows the usage",
    ),
    "unknown word": (
        ("publihs", URL),
        "did you mean 'publish'",
        "`qstash --help` shows the usage",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_bad_input_is_refused_with_a_hint_and_nothing_is_sent(
    qstash: Qstash,
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[tuple[str, ...], str, str],
) -> None:
    argv, message, hint = case
    # A request to QStash would use this proxy, whose refusal is not a usage error.
    monkeypatch.setenv("HTTPS_PROXY", sink.url)
    monkeypatch.setenv("HTTP_PROXY", sink.url)
    home = Path(qstash.home)
    home.mkdir(mode=0o700)
    config = home / "config.toml"
    config.touch(mode=0o600)
    config.write_text('[profiles.small]\ntoken = "t"\nplan = "free"\n')

    run = qstash(*argv, QSTASH_TOKEN="token")

    first, _, rest = run.err.partition("\n")
    assert run.code == 2, run
    assert first.startswith("error: "), run
    assert message.lower() in first.lower(), run
    assert rest.startswith("hint: "), run
    assert hint in rest, run
    assert run.out == ""
    assert sink.received == []
