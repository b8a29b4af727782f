"""Verification of one signature, and of twenty thousand."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.installed import SCRIPTS, or_reason
from tests.benchmarks.plan import Plan
from tests.benchmarks.rows import Goal, Row
from tests.benchmarks.timing import Process, compared

KEYS = ("sig_current_of_the_benchmark_0001", "sig_next_of_the_benchmark_00000002")
URL = "https://example.com/hook"


def verify(plan: Plan) -> Iterator[Row]:
    """Measures one signature, as a whole process."""
    body = '{"name":"ada"}'
    signed = signature(KEYS[0], body, "jwt_1")
    keys = ("--current-key", KEYS[0], "--next-key", KEYS[1])
    ours = [str(plan.installed.ours / "qstash"), "verify", *keys]
    script = str(SCRIPTS / "sdk_verify.py")
    sdk = or_reason(lambda: [plan.installed.sdk, script, *KEYS, signed, body, URL])
    argv = [*ours, "--signature", signed, "--body", body, "--url", URL]
    yield compared(
        "qstash verify",
        "the SDK's Receiver in 5 lines",
        Process(argv=argv, env=plan.env()).run_ms,
        sdk if isinstance(sdk, str) else Process(argv=sdk, env=plan.env()).run_ms,
        goal=Goal(bound="at most", ratio=0.85),
        rounds=plan.rounds,
    )


def verify_many(plan: Plan) -> Iterator[Row]:
    """Measures captures in a file, per second of the whole process."""
    number = plan.size(20_000)
    file = plan.work / "captures.jsonl"
    _write_captures(file, number)
    keys = ("--current-key", KEYS[0], "--next-key", KEYS[1])
    ours = Process(
        argv=[str(plan.installed.ours / "qstash"), "verify", *keys, "--jsonl", str(file)],
        env=plan.env(),
    )
    script = str(SCRIPTS / "sdk_verify_many.py")
    sdk = or_reason(lambda: [plan.installed.sdk, script, *KEYS, str(file)])
    peer = sdk if isinstance(sdk, str) else Process(argv=sdk, env=plan.env())
    yield compared(
        f"verify --jsonl, {number:,} captures",
        "a loop over the SDK's Receiver",
        lambda: number / ours.run_s(),
        peer if isinstance(peer, str) else lambda: number / peer.run_s(),
        goal=Goal(bound="at least", ratio=1.0),
        rounds=plan.long_rounds,
        unit="/s",
    )


def _write_captures(file: Path, number: int) -> None:
    with file.open("w") as out:
        for n in range(number):
            body = json.dumps({"number": n, "name": "ada", "text": "x" * 100})
            # One in ten is signed with the next key.
            signed = signature(KEYS[n % 10 == 0], body, f"jwt_{n}")
            headers = {"Content-Type": "application/json", "Upstash-Signature": signed}
            capture = {"method": "POST", "url": URL, "headers": headers, "body": body}
            out.write(f"{json.dumps(capture)}\n")


def signature(key: str, body: str, token_id: str) -> str:
    """Returns the signature of a request to `URL`, valid for a day."""
    now = int(time.time())
    claims = {
        "iss": "Upstash", "sub": URL, "exp": now + 86_400, "nbf": 0, "iat": now,
        "jti": token_id, "body": _base64(hashlib.sha256(body.encode()).digest()),
    }  # fmt: skip
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    signed = ".".join(_base64(json.dumps(part).encode()).rstrip("=") for part in parts)
    mac = hmac.digest(key.encode(), signed.encode(), "sha256")
    return f"{signed}.{_base64(mac).rstrip('=')}"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()
