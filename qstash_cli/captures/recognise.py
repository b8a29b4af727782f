"""Detects the format of a capture by trying each of them."""

from __future__ import annotations

import json

from qstash_cli.captures import curl_line, json_dumps, raw_http
from qstash_cli.captures.capture import Capture
from qstash_cli.errors import BadInput

_FORMATS = (
    "raw HTTP, HAR, API Gateway v1 and v2, ALB and Netlify events, JSON with headers and body, "
    "a curl command"
)


def recognise(data: bytes) -> list[Capture]:
    """Returns the requests in a capture. Raises `BadInput` that lists the formats tried."""
    one = raw_http.read(data) or curl_line.read(data)
    if one is not None:
        return [one]
    try:
        found = json_dumps.read(json.loads(data.removeprefix(b"\xef\xbb\xbf")))
    except RecursionError:
        raise BadInput("the JSON of the captured request is nested too deeply") from None
    except ValueError:
        found = []
    if not found:
        raise BadInput(
            "the captured request is not in a known format", hint=f"known formats: {_FORMATS}"
        )
    return found
