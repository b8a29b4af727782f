"""Shortens texts for a column: URLs and ids in the middle, others at the end."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

Cut = Literal["end", "middle", "url"]

_LEAST_HOST, _LEAST_CUT_IN_THE_MIDDLE = 4, 3


def shorten(text: str, width: int, cut: Cut, mark: str = "…") -> str:
    """Returns the text in at most `width` cells; `mark`, of one cell, replaces what is cut."""
    from rich.cells import cell_len

    # A text with more characters than cells is too long, however wide they are.
    if len(text) <= width and cell_len(text) <= width:
        return text
    if cut == "url":
        return _shorten_url(text, width, mark)
    return _in_the_middle(text, width, mark) if cut == "middle" else _at_the_end(text, width, mark)


def _shorten_url(url: str, width: int, mark: str) -> str:
    """Shortens a URL, keeping host and last segment if both fit, otherwise their beginnings."""
    from rich.cells import cell_len

    scheme, host, path = _parts(url)
    if not host:
        return _in_the_middle(url, width, mark)
    last = path.rpartition("/")[2] or path.rstrip("/").rpartition("/")[2]
    between = f"/{mark}/" if path.strip("/").count("/") else "/"
    short = f"{host}{between}{last}" if last else host
    for candidate in (f"{scheme}{short}", f"{host}{path}", short):
        if cell_len(candidate) <= width:
            return candidate
    room_for_host = width - cell_len(last) - 2
    if last and room_for_host >= _LEAST_HOST:
        return f"{_start(host, room_for_host)}{mark}/{last}"
    return _in_the_middle(short, width, mark)


def _parts(url: str) -> tuple[str, str, str]:
    """Splits a URL into the scheme with its slashes, the host with its port, and the rest."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", url
    start = f"{parts.scheme}://"
    if not (parts.netloc and url.startswith(start)):
        return "", "", url
    return start, parts.netloc, url[len(start) + len(parts.netloc) :]


def _in_the_middle(text: str, width: int, mark: str) -> str:
    if width < _LEAST_CUT_IN_THE_MIDDLE:
        return _at_the_end(text, width, mark)
    tail = (width - 1) // 2
    return f"{_start(text, width - 1 - tail)}{mark}{_last_cells(text, tail)}"


def _last_cells(text: str, width: int) -> str:
    from rich.cells import cell_len

    end = text[-width:] if width else ""
    while cell_len(end) > width:
        end = end[1:]
    return end


def _at_the_end(text: str, width: int, mark: str) -> str:
    return f"{_start(text, width - 1)}{mark}" if width > 0 else ""


def _start(text: str, width: int) -> str:
    from rich.cells import cell_len

    kept = text[: max(width, 0)]
    while cell_len(kept) > width:
        kept = kept[:-1]
    return kept.rstrip()
