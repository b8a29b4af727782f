"""Writes the generated pages: `python3 -m docs.generate`."""

from __future__ import annotations

from docs.generate.pages import DOCS, PAGES

for name, text in PAGES.items():
    path = DOCS / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text(), encoding="utf-8")
