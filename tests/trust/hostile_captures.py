"""Captures designed to break `verify`: hostile tokens, bodies, URLs and headers."""

from __future__ import annotations

import hashlib
import hmac
import json
import shlex
import time
from base64 import urlsafe_b64encode

from hypothesis import strategies as st

from qstash_cli.protocol.claim_checks import body_hash

KEY, URL = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r", "https://example.com/hook"


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


HEADER = encoded(b'{"alg":"HS256"}')


def token_with(**claims: str) -> str:
    """Returns a signed token with the given claims as JSON text."""
    now = int(time.time())
    whole = {
        "iss": '"Upstash"', "sub": json.dumps(URL), "exp": str(now + 900), "nbf": "0",
        "iat": str(now - 60), "jti": '"jwt_1"', "body": json.dumps(body_hash(b"signed")),
    }  # fmt: skip
    payload = ",".join(f"{json.dumps(name)}:{text}" for name, text in (whole | claims).items())
    signed = f"{HEADER}.{encoded(f'{{{payload}}}'.encode())}"
    return f"{signed}.{encoded(hmac.digest(KEY.encode(), signed.encode(), hashlib.sha256))}"


def nested(depth: int, before: str, after: str) -> str:
    return before * depth + "1" + after * depth


DEPTHS = (20, 200, 500, 900, 985, 1_000, 5_000)
ENDS = (("[", "]"), ('{"a":', "}"), ('[{"a/b":', "}]"))
DEEP = [nested(depth, *ends) for depth in DEPTHS for ends in ENDS]
NUMBERS = [
    "0", "-1", "9" * 400, "-" + "9" * 400, "9" * 4_300, "9" * 5_000, "-" + "9" * 5_000, "1e308",
    "1e999", "-1e999", "1.5e300", "NaN", "Infinity", "-Infinity", "0.1", "true", "null",
    f'"{"9" * 5_000}"', f'"-{"9" * 400}"', '"٣"', '"²"', '""', "9" * 18,
]  # fmt: skip
TEXTS = [
    "", "\x00", "\ud800", "\udc80", "\ufeff", "²", "\u2028", "\r\n", "é" * 50, "%", "%ZZ",
    "b'\\xff'", "b'\\q'", "=", "&" * 3_000, "%41" * 1_000, "\x1f\x8b" + "x" * 50, "eyJ",
    "A" * 4_000, "(" * 4_000, "\\" * 999,
]  # fmt: skip
claims = st.dictionaries(
    st.sampled_from(["iss", "sub", "exp", "nbf", "iat", "jti", "body", "aud", "extra"]),
    st.sampled_from([*NUMBERS, *DEEP, *(json.dumps(text) for text in TEXTS)]),
    max_size=2,
)
bodies = st.one_of(
    st.sampled_from([*DEEP, *NUMBERS, *TEXTS]),
    st.sampled_from(DEEP).map(lambda text: f"[{text},{text}]"),
    st.text(st.characters(), max_size=40),
)
urls = st.sampled_from([
    URL, "", "http://[::1", "https://e:99999", "https://e:²", f"{URL}?" + "a&" * 999, "/hook",
    "https://" + "e" * 5_000, "https://e/\ud800",
])  # fmt: skip
lengths = st.sampled_from([
    "²", "٣", "9" * 5_000, "-1", "abc", "", "0", "+5", " 5 ", "9" * 18, "1e3", "5_0",
])  # fmt: skip


@st.composite
def raw_http(draw: st.DrawFn) -> bytes:
    signature = token_with(**draw(claims))
    head = ["POST /hook HTTP/1.1", "Host: example.com", f"Upstash-Signature: {signature}"]
    head.append(f"Content-Length: {draw(lengths)}")
    chunked = draw(st.booleans())
    head += ["Transfer-Encoding: chunked"] if chunked else []
    body = draw(bodies).encode(errors="surrogatepass")
    if chunked:
        size = draw(st.sampled_from([f"{len(body):x}", "²", "-1", "FFFFFFFF", "0" * 5_000, "1"]))
        body = size.encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
    return "\r\n".join([*head, "", ""]).encode() + body


@st.composite
def curl_commands(draw: st.DrawFn) -> bytes:
    escapes = [
        r"$'\ud800'", r"$'\ud83d\ude00'", r"$'\U7fffffff'", r"$'\xff\777\c'", "$'", '"', "'",
        "\\", "$'\\", "--data-raw", "-d", "-H", "--url", "''", "\x00", "²", "\\\r\n",
    ]  # fmt: skip
    words = draw(st.lists(st.sampled_from(escapes) | bodies.map(shlex.quote), max_size=4))
    header = shlex.quote(f"Upstash-Signature: {token_with(**draw(claims))}")
    line = f"curl {shlex.quote(draw(urls))} -H {header} -d {' '.join(words)}"
    return line.encode(errors="surrogatepass")


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    """Generates dumps, events and HAR files in which some parts are arbitrary JSON."""
    signature = json.dumps(token_with(**draw(claims)))
    anything = st.sampled_from([*DEEP, *NUMBERS[:17], *(json.dumps(text) for text in TEXTS)])
    body = draw(st.one_of(bodies.map(json.dumps), anything))
    url = draw(st.one_of(urls.map(json.dumps), anything))
    headers = draw(st.sampled_from([
        f'{{"Upstash-Signature":{signature}}}', f'{{"Upstash-Signature":[{signature}]}}',
        f'[["Upstash-Signature",{signature}]]',
        f'[{{"name":"Upstash-Signature","value":{signature}}}]',
        f'{{"a":{draw(anything)},"Upstash-Signature":{signature}}}',
        f'{{"Upstash-Signature":{draw(anything)}}}',
    ]))  # fmt: skip
    har_request = f'{{"url":{url},"headers":{headers},"postData":{{"text":{body}}}}}'
    text = draw(st.sampled_from([
        f'{{"url":{url},"headers":{headers},"body":{body}}}',
        f'{{"url":{url},"headers":{headers},"data":{body}}}',
        f'{{"url":{url},"headers":{headers},"body":{{"type":"Buffer","data":{body}}}}}',
        f'{{"url":{url},"headers":{headers},"bodyBase64":{body},"method":{body}}}',
        f'{{"requestContext":{url},"rawPath":{url},"headers":{headers},"body":{body}}}',
        f'{{"requestContext":{{"path":{url}}},"query":{url},"headers":{headers},"body":{body}}}',
        f'{{"signature":{signature},"url":{url},"body":{body}}}',
        f'{{"log":{{"entries":[{{"request":{har_request}}},{body}]}}}}',
        f'{{"data":[{body},{{"url":{url},"headers":{headers},"content":{body}}}]}}',
        f'{{"request":{body}}}',
    ]))  # fmt: skip
    return text.encode(errors="surrogatepass")
