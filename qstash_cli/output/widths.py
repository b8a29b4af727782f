"""How many cells of a terminal texts take, fast for the long ones that have one per character."""

from __future__ import annotations


def cells(text: str) -> int:
    """The cells of a text without control characters."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def chopped(text: str, width: int) -> list[str]:
    """The text in pieces of at most so many cells, one at least."""
    if text.isascii():
        return [text[i : i + width] for i in range(0, len(text), width)] or [""]
    from rich.cells import chop_cells

    return chop_cells(text, width) or [""]


def resized(text: str, width: int) -> str:
    """The text cut or filled up with blanks to so many cells."""
    if text.isascii():
        return text[:width].ljust(width)
    from rich.cells import set_cell_size

    return set_cell_size(text, width)
