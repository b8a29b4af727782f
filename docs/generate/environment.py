"""The reference of environment variables."""

from __future__ import annotations

from docs.generate.markdown import code, page, prose, table
from qstash_cli.config.variables import SECTIONS


def environment() -> str:
    """Returns the page."""
    parts = []
    for title, variables in SECTIONS.items():
        rows = [(", ".join(map(code, one.names)), prose(one.help)) for one in variables]
        parts += [f"## {title}", table(("Variable", "Meaning"), rows)]
    return page(
        "Environment variables",
        "Configure `qstash` without flags or a profile, and find out which variables it reads.",
        "See the settings in use, and the variable, file or flag that each one comes from:",
        "```sh\nqstash config show\n```",
        "Flags take precedence over variables, and so does a named profile. URL and token always "
        "come from the same source. `--env-file FILE` reads the connection variables from a file "
        "instead of the environment.",
        *parts,
        "The variables for proxies may also be in lower case, which takes precedence.",
    )
