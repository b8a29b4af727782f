"""`verify --request` of a capture, and of one four times as large, in processor time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from tests.benchmarks.plan import Plan
from tests.benchmarks.rows import Goal, Row
from tests.benchmarks.timing import Process, compared
from tests.benchmarks.verifying import KEYS, URL, signature

_BASE_BYTES = 4_000_000


def captures(plan: Plan) -> Iterator[Row]:
    """Yields a row for each capture format, with the content that takes the longest to read."""
    for name, (source, of_size) in _FORMATS.items():
        size = plan.size(_BASE_BYTES)
        yield compared(
            f"verify {source}, {name}: 4x the input",
            "1x the input",
            _run(plan, source, name, of_size, 4 * size),
            _run(plan, source, name, of_size, size),
            goal=Goal(bound="at most", ratio=5.0),
            rounds=plan.long_rounds,
        )


def _run(
    plan: Plan, source: str, name: str, of_size: Callable[[int], str], size: int
) -> Callable[[], float]:
    file = plan.work / f"{name}-{size}.capture"
    file.write_text(of_size(size))
    argv = [str(plan.installed.ours / "qstash"), "verify", source, str(file)]
    return Process(argv=[*argv, "--current-key", KEYS[0]], env=plan.env()).cpu_ms


def _signature(body: str) -> str:
    return signature(KEYS[0], body, "jwt_1")


def _raw_http(size: int) -> str:
    chunk = "1\r\nx\r\n"
    number = size // len(chunk)
    head = (
        "POST /hook HTTP/1.1",
        "Host: example.com",
        "Transfer-Encoding: chunked",
        f"Upstash-Signature: {_signature('x' * number)}",
    )
    return "\r\n".join([*head, "", chunk * number]) + "0\r\n\r\n"


def _curl(size: int) -> str:
    quote = "\\'''"
    number = size // len(quote)
    signed = _signature("'" * number)
    return f"curl {URL} -H 'Upstash-Signature: {signed}' -d ''{quote * number}"


def _har(size: int) -> str:
    headers = [{"name": "Upstash-Signature", "value": _signature("x")}]
    request = {"url": URL, "method": "POST", "headers": headers, "postData": {"text": "x"}}
    entry = {"request": request}
    return json.dumps({"log": {"entries": [entry] * (size // len(json.dumps(entry)))}})


def _json(size: int) -> str:
    item = {"a": [1, "x"]}
    body = [item] * (size // len(json.dumps(item)))
    text = json.dumps(body, separators=(",", ":"))
    return json.dumps(
        {"url": URL, "headers": {"Upstash-Signature": _signature(text)}, "body": body}
    )


def _jsonl(size: int) -> str:
    line = json.dumps({"url": URL, "headers": {"Upstash-Signature": _signature("x")}, "body": "x"})
    return f"{line}\n" * (size // (len(line) + 1))


_FORMATS = {
    "raw HTTP": ("--request", _raw_http),
    "curl": ("--request", _curl),
    "HAR": ("--request", _har),
    "JSON": ("--request", _json),
    "JSONL": ("--jsonl", _jsonl),
}
