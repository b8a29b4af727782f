"""The filters of the list of workflow runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from qstash_cli.errors import BadInput
from qstash_cli.protocol import workflow
from qstash_cli.protocol.instants import parse_past_instant_s


class RunFilters(NamedTuple):
    """The texts of the form; an empty one selects everything.

    `since` and `until` are points in time, such as `1h` or `2026-11-24T13:00Z`.
    """

    state: str = ""
    run: str = ""
    url: str = ""
    label: str = ""
    since: str = ""
    until: str = ""

    def query(self, **more: str) -> str:
        """Returns the query of the page with these filters and `more`."""
        given = {name: value for name, value in self._asdict().items() if value}
        return urlencode(given | more)

    def parameters(self, now_s: float) -> dict[str, list[str]]:
        """Returns the parameters of the log. Raises `BadInput` for a text that is not a time."""
        found = {
            "state": self.state,
            "workflowRunId": self.run,
            "workflowUrl": self.url,
            "label": self.label,
            "fromDate": _ms("since", self.since, now_s),
            "toDate": _ms("until", self.until, now_s),
        }
        return {name: [value] for name, value in found.items() if value}


def filters_of(given: Mapping[str, str]) -> RunFilters:
    """Returns the filters in a query. Ignores unknown states."""
    found = RunFilters(**{name: given.get(name, "").strip() for name in RunFilters._fields})
    return found if found.state in workflow.RUN_STATES else found._replace(state="")


def _ms(name: str, text: str, now_s: float) -> str:
    if not text:
        return ""
    try:
        return str(round(parse_past_instant_s(text, now_s) * 1000))
    except BadInput as error:
        raise BadInput(f"{name}: {error.message}") from None
