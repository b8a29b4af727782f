"""`qstash api`: call any API endpoint with the profile's credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument, flag
from qstash_cli.cli.registry import command, group
from qstash_cli.client.request import Request
from qstash_cli.commands.common import message_body
from qstash_cli.commands.common.options import BodyOptions
from qstash_cli.commands.common.views import RAW
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Result
from qstash_cli.protocol.headers import parse_header
from qstash_cli.protocol.options import MessageOptions

_READS = frozenset({"GET", "HEAD"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

app = group()


@dataclass(frozen=True, kw_only=True)
class HeaderOptions:
    """Headers of the request."""

    header: tuple[tuple[str, str], ...] = flag(
        "Request header",
        "-H",
        "--header",
        metavar="'NAME: VALUE'",
        repeats=True,
        parse=parse_header,
    )


@command(app)
def api(
    ctx: Context,
    method: Annotated[
        str,
        Argument("GET, POST, PUT, PATCH or DELETE", "METHOD", complete="method"),
    ],
    path: Annotated[str, Argument("Path and query, such as /v2/logs?count=10", "PATH")],
    *,
    headers: HeaderOptions,
    body: BodyOptions,
) -> Result:
    """Call any API endpoint and print the response as JSON.

    \b
    qstash api GET '/v2/logs?count=10'
    qstash api POST /v2/publish/https://example.com/hook --data-json '{"id":1}'
    """
    if not path.startswith("/"):
        raise BadInput(f"the path does not begin with /: {path}", hint="write /v2/...")
    method = method.upper()
    data, options = b"", MessageOptions(headers=headers.header)
    if method in _WITH_BODY or body != BodyOptions():
        data, options = message_body.read(ctx, (), body, options)
    request: Request[object] = Request(
        method=method,
        path=path,
        headers=options.headers,
        body=data,
    )
    done = "" if method in _READS else f"Sent {method} {path}"
    return ctx.write(request, lambda response: _result(response)._replace(done=done))


def _result(response: object) -> Result:
    data = response if isinstance(response, dict | list) else []
    # A lone number or text is not a record, but it is QStash's response.
    text = None if isinstance(response, dict | list) else "" if response is None else str(response)
    return Result(data=data, view=RAW, on_terminal="json", piped="json", text=text)
