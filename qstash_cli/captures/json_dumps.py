"""Reads requests as JSON: HAR files, AWS and Netlify events, dumps by handlers and request bins.

All values come from `json.loads`, so objects are dicts. Checking for `dict` is ten times as fast as
checking for `Mapping`, and each capture needs ten of these checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from qstash_cli.captures.capture import BODY_KEYS, Capture, Pairs, decoded_base64, header_pairs
from qstash_cli.captures.raw_http import scheme_of


def read(value: Any) -> list[Capture]:
    """Returns the requests in a JSON value, an empty list if it has no known shape."""
    found: list[Capture] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += reversed(item)
        elif isinstance(item, dict):
            captures = _of_object(item)
            found += captures or ()
            waiting += [] if captures is not None else [_inner(item)]
    return found


def _of_object(value: Mapping[str, Any]) -> list[Capture] | None:
    """Returns the requests of an object, None if its members must be searched instead."""
    log = value.get("log")
    if isinstance(log, dict) and isinstance(log.get("entries"), list):
        requests = [_object(entry).get("request") for entry in log["entries"]]
        return [_har(request) for request in requests if isinstance(request, dict)]
    if isinstance(value.get("data"), list) and "headers" not in value:
        return None
    if "requestContext" in value or "httpMethod" in value:
        return [_event(value)]
    if "headers" in value or "rawHeaders" in value:
        return [_dump(value)]
    if isinstance(value.get("signature"), str):
        return [_dump(value)._replace(headers=(("Upstash-Signature", value["signature"]),))]
    return None


def _inner(value: Mapping[str, Any]) -> Any:
    data = value.get("data")
    return data if isinstance(data, list) and "headers" not in value else value.get("request")


def _har(request: Mapping[str, Any]) -> Capture:
    posted = _object(request.get("postData"))
    text = posted.get("text")
    return Capture(
        source="HAR",
        method=_text(request.get("method")) or "",
        url=_text(request.get("url")),
        headers=header_pairs(request.get("headers")),
        body=b"" if text is None else _bytes(text, is_base64=posted.get("encoding") == "base64"),
        keys_without_body=tuple(posted) if text is None else (),
    )


def _event(event: Mapping[str, Any]) -> Capture:
    context = _object(event.get("requestContext"))
    headers = header_pairs(event.get("multiValueHeaders")) or header_pairs(event.get("headers"))
    fields = {name.lower(): value for name, value in headers}
    body = event.get("body")
    return Capture(
        source=_kind(event, context),
        method=_text(event.get("httpMethod") or _object(context.get("http")).get("method")) or "",
        url=_text(event.get("rawUrl")) or _event_url(event, context, fields),
        headers=headers,
        body=b"" if body is None else _bytes(body, is_base64=bool(event.get("isBase64Encoded"))),
        keys_without_body=() if "body" in event else tuple(event),
    )


def _kind(event: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    if "rawUrl" in event:
        return "Netlify event"
    if "elb" in context:
        return "ALB event"
    return "API Gateway v2 event" if "rawPath" in event else "API Gateway v1 event"


def _event_url(
    event: Mapping[str, Any], context: Mapping[str, Any], fields: dict[str, str]
) -> str | None:
    host = fields.get("host") or _text(context.get("domainName"))
    if not host:
        return None
    # The path in the request context includes the stage, which is part of the URL.
    paths = (event.get("rawPath"), context.get("path"), event.get("path"))
    path = next((path for path in paths if _text(path)), "/")
    query = _text(event.get("rawQueryString")) or _query(event, is_encoded="elb" in context)
    return f"{scheme_of(fields, host)}://{host}{path}{f'?{query}' if query else ''}"


def _query(event: Mapping[str, Any], *, is_encoded: bool) -> str:
    given = (
        event.get("multiValueQueryStringParameters")
        or event.get("queryStringParameters")
        or event.get("query")
    )
    pairs: Pairs = header_pairs(given) if isinstance(given, dict) else ()
    return "&".join(f"{n}={v}" for n, v in pairs) if is_encoded else urlencode(pairs)


def _dump(dump: Mapping[str, Any]) -> Capture:
    headers = header_pairs(dump.get("headers") or dump.get("rawHeaders"))
    url = _text(dump.get("url"))
    if url is None or url.startswith("/"):
        # Request bins and Node's requests contain only the path.
        fields = {name.lower(): value for name, value in headers}
        url = _event_url({"path": url, **dump}, {}, fields)
    body_keys = [name for name in BODY_KEYS if dump.get(name) is not None]
    return Capture(
        source="webhook.site export" if "uuid" in dump else "JSON dump",
        method=_text(dump.get("method")) or "",
        url=url,
        headers=headers,
        body=_dumped_body(dump, body_keys[0]) if body_keys else b"",
        keys_without_body=() if body_keys or dump.keys() & set(BODY_KEYS) else tuple(dump),
    )


def _dumped_body(dump: Mapping[str, Any], key: str) -> bytes:
    is_base64 = (
        key == "bodyBase64" or bool(dump.get("isBase64Encoded")) or dump.get("encoding") == "base64"
    )
    return _bytes(dump[key], is_base64=is_base64)


def _bytes(value: Any, *, is_base64: bool) -> bytes:
    if isinstance(value, str):
        decoded = decoded_base64(value) if is_base64 else None
        return value.encode("utf-8", "surrogatepass") if decoded is None else decoded
    if isinstance(value, dict) and value.get("type") == "Buffer":
        # Node serializes a Buffer this way.
        numbers = value.get("data")
        if isinstance(numbers, list) and all(_is_byte(number) for number in numbers):
            return bytes(numbers)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _is_byte(value: Any) -> bool:
    return type(value) is int and 0 <= value < 256


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
