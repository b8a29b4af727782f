"""`qstash dlq export`, and `batch` and `replay` of what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.in_process import Qstash
from tests.sink import Sink

BODIES = {
    "text": '{"order":1,"name":"Zoë"}'.encode(),
    "empty": b"",
    "binary": bytes(range(256)),
    "lines": b"a\r\nb\n\xe2\x80\xa8",
}


def buried(local: Qstash, sink: Sink, body: bytes, *flags: str) -> None:
    sink.statuses = [500]
    data = ("-d", "-") if body else ()
    run = local("publish", f"{sink.url}/x?a=1&b=%20", *data, "--retries", "0", "--wait", *flags,
                stdin=body)  # fmt: skip
    assert run.code == 8, run
    sink.statuses = [200]


def forwarded(headers: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name.lower(): values for name, values in headers.items()}


@pytest.mark.parametrize("name", BODIES)
def test_exported_messages_can_be_published_again(
    local: Qstash, sink: Sink, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "messages.jsonl"
    buried(local, sink, BODIES[name], "-X", "PUT", "-H", "X-Kind: a, b", "--label", "night",
           "-H", "Content-Type: application/x-own")  # fmt: skip
    before = sink.received[-1]
    (entry,) = local("dlq", "list", "-o", "json").json

    exported = local("dlq", "export", "--label", "night")
    file.write_text(exported.out)
    dry = local("batch", str(file), "--dry-run", "-o", "json")
    run = local("batch", str(file), "-o", "jsonl")
    local("message", "wait", json.loads(run.out)["messageId"])

    after = sink.received[-1]
    message = local("message", "get", json.loads(run.out)["messageId"], "-o", "json").json
    assert (exported.code, run.code) == (0, 0), run
    # QStash's batches have no binary bodies.
    assert ("/v2/publish/" if name == "binary" else "/v2/batch") in dry.json["url"]
    assert after is not before
    assert (after.method, after.path, after.body) == ("PUT", before.path, BODIES[name])
    for header in ("x-kind", "content-type"):
        assert after.header(header) == before.header(header)
    assert forwarded(message["header"]) == forwarded(entry["header"])
    assert (message["labels"], message["maxRetries"]) == (["night"], 0)


@pytest.mark.parametrize("name", BODIES)
def test_exported_messages_can_be_replayed(
    local: Qstash, sink: Sink, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "messages.jsonl"
    buried(local, sink, BODIES[name], "-X", "PUT", "-H", "X-Kind: a")
    before = sink.received[-1]
    file.write_text(local("dlq", "export").out)

    run = local("replay", "--file", str(file), "--to", f"{sink.url}/here")

    after = sink.received[-1]
    assert run.code == 0, run
    assert (after.method, after.path, after.body) == ("PUT", "/here", BODIES[name])
    assert after.header("x-kind") == "a"
    assert after.header("upstash-message-id") == before.header("upstash-message-id")


def test_text_and_binary_messages_of_one_file_are_all_published(
    local: Qstash, sink: Sink, tmp_path: Path
) -> None:
    file = tmp_path / "messages.jsonl"
    for body in (b"one", b"\xff\xfe", b"two", b"\xfe"):
        buried(local, sink, body)
    file.write_text(local("dlq", "export").out)

    run = local("batch", str(file), "--delay", "1d")

    assert run.code == 0, run
    assert run.json == {"sent": 4, "refused": 0}
    assert local("batch", str(file), "--resume", "--delay", "1d").json["sent"] == 0


def test_a_redacted_message_is_skipped(local: Qstash, sink: Sink) -> None:
    buried(local, sink, b"secret", "--redact", "body")
    buried(local, sink, b"plain")

    run = local("dlq", "export")

    assert run.code == 10
    assert json.loads(run.out)["body"] == "plain"
    assert "is skipped: its body is redacted" in run.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"destination":"https://example.com","bodyBase64":"%"}', "not base64"),
        ('{"destination":"https://example.com","bodyBase64":7}', "not base64"),
        ('{"destination":"https://example.com","body":"a","bodyBase64":"YQ=="}', "both"),
    ],
)
def test_a_record_with_a_wrong_binary_body_is_refused(
    local: Qstash, tmp_path: Path, line: str, message: str
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text(line)

    run = local("batch", str(file))

    assert run.code == 10
    assert message in run.err


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"destination":1}',
        '{"destination":"https://example.com","body":{"n":1}}',
        '{"destination":"https://example.com","headers":{"X-N":[1]}}',
    ],
)
def test_a_file_that_is_not_an_export_delivers_nothing(
    local: Qstash, sink: Sink, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text(f'{{"destination":"https://example.com"}}\n{line}\n')

    run = local("replay", "--file", str(file), "--to", sink.url)

    assert run.code == 2
    assert "line 2" in run.err
    assert sink.received == []
