"""The verdict on a captured request, and its reason in one line."""

from __future__ import annotations

from qstash_cli.captures.capture import Capture
from qstash_cli.commands.common.verification import judge, reason
from qstash_cli.protocol.claim_checks import Expectation
from qstash_cli.protocol.signature import sign

KEY, URL, NOW = "sig_of_the_test", "https://example.com/hook", 1_700_000_000
EXPECTED = Expectation(
    keys=(("current", KEY),), url=None, body=None, now=NOW, uses_system_clock=False
)


def captured(*, url: str = URL, body: bytes = b"x", signed: bool = True) -> Capture:
    token = sign(KEY, url=URL, body=b"x", now=NOW, token_id="jwt_1")
    headers = (("Upstash-Signature", token),) if signed else ()
    return Capture(source="test", method="POST", url=url, headers=headers, body=body)


def test_the_reason_of_an_invalid_verdict_names_the_checks_and_the_causes() -> None:
    def why(capture: Capture) -> str:
        return reason(judge(capture, EXPECTED, {}))

    assert why(captured()) == ""
    assert why(captured(signed=False)) == "no Upstash-Signature header"
    assert why(captured(body=b"x\n")).startswith("body failed: ")
    assert why(captured(url="http://example.com/hook")).startswith("sub failed: the scheme is http")
    assert why(captured(body=b"unrelated")) == "body failed"
    assert "\n" not in why(captured(url="http://example.com/a\nb", body=b"y"))
