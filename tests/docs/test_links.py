"""Links lead somewhere: to files, to headings, or to hosts that somebody has looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
# Sphinx checks the links between the pages in docs/, but not those of other files.
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("docs/**/*.md")], key=str
)
HOSTS = {"keepachangelog.com", "pyjwt.readthedocs.io", "upstash.com", "www.w3.org"}
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)|<(https?://[^>]+)>")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _links(page: Path) -> Iterator[str]:
    text = re.sub(r"`[^`]*`", "", _prose(page))
    return (found[1] or found[2] for found in _LINK.finditer(text))


def _anchors(page: Path) -> set[str]:
    """Returns the anchors that forges give to the headings of a page."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(_prose(page))
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _links(page):
        target = urlsplit(link)
        if target.scheme:
            is_local = target.hostname == "127.0.0.1"
            assert is_local or (target.scheme == "https" and target.hostname in HOSTS), link
            continue
        file = (page.parent / target.path).resolve() if target.path else page
        assert file.exists(), link
        assert file.is_relative_to(ROOT), link
        assert not target.fragment or target.fragment in _anchors(file), link


def test_links_are_found() -> None:
    assert {"docs/getting-started.md", "https://upstash.com/docs/qstash"} <= set(
        _links(ROOT / "README.md")
    )
