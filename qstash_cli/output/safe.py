r"""Escapes untrusted text for a terminal.

Control characters can move the cursor and change the window title; bidirectional and invisible
characters misrepresent a text. All are replaced by escapes such as `\x1b` and `\u202e`.
"""

from __future__ import annotations

import re

# Compiled on first use: that takes a millisecond, and most runs do not need it.
UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATE = "[\ud800-\udfff]"
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def safe_text(text: str, *, keep_newlines: bool = False) -> str:
    """Returns the text with control and invisible characters as visible escapes.

    With `keep_newlines`, line feeds and tabs stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if keep_newlines else ""
    return re.sub(UNSAFE, lambda one: one[0] if one[0] in kept else _escape(one[0]), text)


def safe_bytes(data: bytes, *, keep_newlines: bool = False) -> str:
    """Returns the bytes as safe text. Bytes that are not UTF-8 become escapes."""
    return safe_text(data.decode("utf-8", "backslashreplace"), keep_newlines=keep_newlines)


def encodable(text: str) -> str:
    """Returns the text with unpaired surrogates, which no stream can write, as visible escapes."""
    return text if text.isascii() else re.sub(_SURROGATE, lambda one: _escape(one[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return _SHORT.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
