"""The options of `dlq retry` and `dlq delete` for a group."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from qstash_cli.cli.flags import flag
from qstash_cli.errors import BadInput
from qstash_cli.files import parse_path
from qstash_cli.protocol.numbers import parse_pace_per_s

_GROUP = "Group"
_KEY = re.compile(r"[0-9a-f]{4,16}")


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise BadInput(
            f"not the key of a group: {text!r}",
            hint="`qstash dlq group` lists the keys; the first 4 digits or more select a group",
        )
    return text


@dataclass(frozen=True, kw_only=True)
class GroupOptions:
    """The group, and how to send its entries."""

    group: str | None = flag(
        "Only the entries of this group of `dlq group`",
        metavar="KEY",
        parse=_key,
        complete="failure_group",
        section=_GROUP,
    )
    pace: float | None = flag(
        "Maximum number of entries per second, or per minute or hour with /m or /h",
        metavar="N/s",
        parse=parse_pace_per_s,
        section=_GROUP,
    )
    journal: Path | None = flag(
        "Journal of the processed entries [default: in the configuration directory]",
        metavar="FILE",
        parse=parse_path,
        section=_GROUP,
    )
    no_journal: bool = flag("Do not keep a journal", section=_GROUP)
    resume: bool = flag("Continue the interrupted run", section=_GROUP)

    def validate(self) -> None:
        """Raises `BadInput` for options that cannot be combined."""
        if self.group is None:
            for name in ("pace", "journal", "no_journal", "resume"):
                if getattr(self, name):
                    raise BadInput(
                        f"--{name.replace('_', '-')} is for --group",
                        hint="`qstash dlq group` lists the groups",
                    )
        for one, is_given in (("--journal", self.journal), ("--resume", self.resume)):
            if is_given and self.no_journal:
                raise BadInput(
                    f"{one} and --no-journal cannot be combined", hint="nothing was sent"
                )
