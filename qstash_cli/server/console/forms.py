"""What a form of the console sends, and how its action responds."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from qstash_cli.server.console import rendering
from qstash_cli.server.console.page_context import base_context
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.request_body import read_body


class Fields:
    """The fields of a form. A field may be repeated."""

    def __init__(self, body: bytes) -> None:
        self._pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)

    def get(self, name: str) -> str:
        """Returns the last value of a field, empty if it is missing."""
        return self.all(name)[-1] if self.all(name) else ""

    def all(self, name: str) -> list[str]:
        """Returns the values of a field."""
        return [value for key, value in self._pairs if key == name]

    def as_dict(self) -> dict[str, str]:
        """Returns the last value of each field."""
        return dict(self._pairs)


class Done(NamedTuple):
    """What an action did, and the page of what it made, if any."""

    text: str
    link: str = ""


async def read_fields(request: Request) -> Fields:
    """Returns the fields of the form in a request."""
    return Fields(await read_body(request))


def notice(request: Request, done: Done) -> Response:
    """Returns the line that says what an action did."""
    return rendering.page("notice.html", base_context(request) | {"done": done})


def action_of(request: Request, *known: str) -> str:
    """Returns the action that the path names. Raises `ApiError` for an unknown one."""
    name: str = request.path_params["action"]
    if name not in known:
        raise ApiError(404, f"no such action: {name}")
    return name
