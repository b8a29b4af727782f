"""Splits a shell command into words, in time proportional to its length.

`shlex.split` builds a word character by character, which takes a minute for a body of 1 MB, and it
does not support the ANSI-C quotes (`$'...'`) that browsers use when they copy a request. Source:
the Bash manual, "Quoting".
"""

from __future__ import annotations

import re

# Possessive quantifiers never backtrack, so matching takes no memory.
_PART = re.compile(
    r"""
      (?P<space>\s+)
    | \$'(?P<ansi_c>[^'\\]*+(?:\\.[^'\\]*+)*+)'
    | '(?P<single>[^']*+)'
    | "(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"
    | (?P<continuation>\\\r?\n)
    | \\(?P<escaped>.)
    | (?P<plain>[^\s'"\\$]+|\$)
    """,
    re.DOTALL | re.VERBOSE,
)
_IN_DOUBLE_QUOTES = re.compile(r"""\\(?:\r?\n|([$`"\\]))""")
_ANSI_C = re.compile(
    r"\\(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
)
_CONTROLS = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
    "v": "\v",
}  # fmt: skip


def split(text: str) -> list[str] | None:
    """Returns the words of the command, None if a quote is not closed."""
    words: list[str] = []
    word: list[str] | None = None
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            return None
        at = part.end()
        if part.lastgroup == "space":
            words += ["".join(word)] if word is not None else []
            word = None
        elif part.lastgroup != "continuation":
            word = word if word is not None else []
            word.append(_text_of(part))
    return [*words, "".join(word)] if word is not None else words


def _text_of(part: re.Match[str]) -> str:
    text = part[part.lastgroup or 0]
    if part.lastgroup == "double":
        return _IN_DOUBLE_QUOTES.sub(lambda escape: escape[1] or "", text)
    if part.lastgroup == "ansi_c":
        return _without_surrogate_pairs(_ANSI_C.sub(_ansi_c_character, text))
    return text


def _ansi_c_character(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    number = int(code, 16) if code else int(escape[4], 8) if escape[4] else None
    if number is None:
        return _CONTROLS.get(escape[5], escape[5])
    return chr(number) if number <= 0x10FFFF else "\ufffd"


def _without_surrogate_pairs(text: str) -> str:
    # Browsers write a character beyond U+FFFF as a surrogate pair.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
