"""The site: `sphinx-build -W -n -b html docs build/site` fails for any link that leads nowhere.

Pages are plain Markdown that reads on any forge, so none contains a directive. index.md lists the
pages in sections; the navigation is made from these lists.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx

project = "qstash"
project_copyright = "the authors of qstash"
extensions = ["myst_parser"]
exclude_patterns = ["**/__pycache__"]
html_theme = "furo"
html_title = "qstash"
html_show_sphinx = False
# Links may lead to the headings of other pages, under the names that forges give them.
myst_heading_anchors = 4
nitpicky = True
# Blocks in a language that Pygments does not know, such as crontab, are plain text.
suppress_warnings = ["misc.highlighting_failure"]

_SECTION = re.compile(r"^## (?P<title>.+)\n(?P<list>(?:.*\n)*?)(?=## |\Z)", re.MULTILINE)
_PAGE = re.compile(r"^- \[[^]]+\]\((?P<page>[^):]+)\.md\)", re.MULTILINE)


def _add_navigation(_app: Sphinx, name: str, source: list[str]) -> None:
    """Adds the table of contents of each section of index.md.

    A page that no section lists is an error of the strict build.
    """
    if name != "index":
        return
    tables = []
    for section in _SECTION.finditer(source[0]):
        pages = "\n".join(found["page"] for found in _PAGE.finditer(section["list"]))
        tables.append(f"```{{toctree}}\n:hidden:\n:caption: {section['title']}\n\n{pages}\n```\n")
    source[0] += "\n" + "\n".join(tables)


def setup(app: Sphinx) -> None:
    """Registers the navigation; Sphinx calls this."""
    app.connect("source-read", _add_navigation)
