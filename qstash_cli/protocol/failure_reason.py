"""The reason why a message failed, which is the same for messages that failed alike.

Responses to the same failure differ in ids, numbers and times. Without these, entries of the dead
letter queue can be grouped, in a terminal and in the console alike.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

# The beginning of a response that is considered, and how much of it remains without what varies.
# The former is longer, so that a number with one more digit does not move the end of the latter.
HEAD_BYTES = 512
_LINE_CHARS = 160
KEY_CHARS = 16

# All quantifiers before a required part are possessive, so that hostile text takes linear time.
_UUID = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
)
_UUID_DASHES = 4
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
# Begins with a digit, not with the look-behind, because that is found faster.
_ISO_TIME = re.compile(
    r"\d(?<!\d.)\d{3}-\d\d-\d\d"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d++)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?"
)
_WORD = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]*+\d[0-9A-Za-z]*+(?:[.,:]\d++)*+")
_CLOCK = re.compile(r"\d\d?:\d\d:\d\d(?:[.,]\d+)?")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_RUNS = re.compile(r"\d+|[^\d]+")
_HEX = re.compile(r"[0-9A-Fa-f]{8,}")
# All of ASCII: `translate` takes ten times as long if it has to look for missing characters.
_ZEROS = {code: "0" if chr(code).isdecimal() else chr(code) for code in range(128)}
_TITLE = re.compile(r"<title[^>]*+>([^<]++)", re.IGNORECASE)
_MIN_ID_CHARS = 20
_MIN_ID_RUNS = 5


class Reason(NamedTuple):
    """Why messages failed: the status of the response, the URL, and the response's first line.

    The status is 0 if there was no response. The line has placeholders for what varies.
    """

    status: int
    url: str
    line: str

    @property
    def key(self) -> str:
        """A short name of the reason, the same in every run: 16 hexadecimal digits."""
        text = f"{self.status}\0{self.url}\0{self.line}"
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:KEY_CHARS]


def reason_of(status: int, url: str, response: str) -> Reason:
    """Returns the reason. Only the first `HEAD_BYTES` characters of the response matter."""
    return Reason(status, url, normalized(response))


def normalized(response: str) -> str:
    """Returns the first line of a response, with placeholders for ids, numbers and times.

    JSON counts as one line, and of an HTML page the title is used.
    """
    return _line_of(response[:HEAD_BYTES])


@lru_cache(maxsize=1024)
def _line_of(head: str) -> str:
    # Most entries of a queue have the same few responses with other numbers. Digits are all alike,
    # so if none is left, the result is the same for the original.
    line = _normalized(head.translate(_ZEROS))
    return line if "0" not in line else _normalized(head)


@lru_cache(maxsize=1024)
def _normalized(head: str) -> str:
    line = _first_line(head.strip())
    dashes = line.count("-")
    if dashes >= _UUID_DASHES:
        line = _UUID.sub("<id>", line)
    if dashes:
        line = _ISO_TIME.sub("<time>", line)
    if "GMT" in line:
        line = _HTTP_DATE.sub("<time>", line)
    return _WORD.sub(_placeholder, line)[:_LINE_CHARS]


def _first_line(text: str) -> str:
    if text.startswith("<"):
        title = _TITLE.search(text)
        return " ".join((title[1] if title else text).split())
    if text.startswith(("{", "[")):
        return " ".join(text.split())
    return text.partition("\n")[0].partition("\r")[0].rstrip()


def _placeholder(match: re.Match[str]) -> str:
    word = match[0]
    if word.isdecimal():
        return "<n>"
    if ":" in word and _CLOCK.fullmatch(word):
        return "<time>"
    return "<id>" if _is_id(word) else _NUMBER.sub("<n>", word)


def _is_id(word: str) -> bool:
    # `sha256`, `v1beta1` and `30000ms` are words; `8f3a9c01`, `a7Kq2Z9x` and long ones are ids.
    if not word.isalnum():
        return False
    return (
        len(word) >= _MIN_ID_CHARS
        or _HEX.fullmatch(word) is not None
        or len(_RUNS.findall(word)) >= _MIN_ID_RUNS
    )
