"""Finds the region that a token belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from qstash_cli.client.api import logs
from qstash_cli.client.api.filters import Filter
from qstash_cli.client.diagnostics import Measurement

# A small list, which every token may read.
READ = logs.entries(Filter(), page=1, with_bodies=False)


class OtherRegions(NamedTuple):
    """The responses of all regions but one to a token, and the region that accepts it, if any."""

    responses: Mapping[str, Measurement]
    accepting: str | None


def other_regions(
    here: str, regions: Mapping[str, str], ask: Callable[[str], Measurement]
) -> OtherRegions:
    """Sends the token to every region but `here`, with `ask`, which takes a URL of `regions`."""
    responses = {name: ask(url) for name, url in regions.items() if name != here}
    accepting = next((name for name, one in responses.items() if one.status == 200), None)
    return OtherRegions(responses, accepting)
