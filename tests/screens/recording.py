"""Runs commands on a terminal of a given width, with scripted responses at a fixed time."""

from __future__ import annotations

import io
import re
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rich.cells import chop_cells
from rich.console import Console
from rich.text import Text

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.protocol.signature import sign
from tests.commands.api_server import Responses, api_server
from tests.in_process import Qstash, Run
from tests.screens import responses as r

GOLDEN = Path(__file__).parents[1] / "golden"
PICTURES = GOLDEN / "svg"
WIDTHS = (40, 80, 120)
# Pictures of these are made at every width, of others at 80 columns.
LISTS = {
    "logs", "logs-by-message", "logs-stats", "dlq-list", "schedule-list", "schedule-next",
    "urlgroup-list", "queue-list", "flow-list", "message-actions", "retries",
    "workflow-list", "workflow-show", "workflow-dlq-list",
}  # fmt: skip
# Unlike Rich's own template, it loads no font from the network.
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: monospace; font-size: {char_height}px; line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

_HOOK, _BODY = "https://app.example.com/hook", '{"order":17}'
_ORDERS_ID, _INVOICE_ID = (r.ENTRIES[n]["messageId"] for n in (0, 2))
_MANIFEST = """\
[schedules.nightly]
destination = "https://app.example.com/jobs/nightly-report"
cron = "0 4 * * *"

[queues.orders]
parallelism = 4

[urlgroups.payments]
endpoints = ["https://app.example.com/ledger", "https://app.example.com/hooks/paypal"]
"""


class Screen(NamedTuple):
    """A command, QStash's responses to it, and its exit code."""

    argv: tuple[str, ...]
    responses: Responses = MappingProxyType({})
    code: int = 0


def _get(path: str, body: Any) -> dict[tuple[str, str], Any]:
    return {("GET", path): (200, body)}


def _log_of(message_id: str) -> dict[tuple[str, str], Any]:
    """Returns the log of one message, filtered like QStash does."""
    return _get("/v2/logs", {"logs": [e for e in r.ENTRIES if e["messageId"] == message_id]})


_KEYS = _get(
    "/v2/keys", {"current": DEV_USER.current_signing_key, "next": DEV_USER.next_signing_key}
)
_LOGS = _get("/v2/logs", {"logs": r.ENTRIES})
_DLQ = _get("/v2/dlq", {"messages": r.DLQ})
_RUNS = _get("/v2/workflows/events", {"runs": r.RUNS})
_ACCOUNT = (
    _get("/v2/schedules", r.SCHEDULES)
    | _get("/v2/queues", r.QUEUES)
    | _get("/v2/topics", r.URL_GROUPS)
    | _get("/v2/flowControl", r.FLOWS)
    | _DLQ
    | _LOGS
    | _KEYS
)


def _signature(body: str = _BODY, seconds_ago: float = 15) -> str:
    return sign(
        DEV_USER.current_signing_key,
        url=_HOOK,
        body=body.encode(),
        now=r.NOW - seconds_ago,
        token_id="jwt_67kxXD6UBAk7DqU6hzuHMDdXFXfP",
    )


# The body was re-serialized after it was signed.
_CAPTURE = f"""\
POST /hook HTTP/1.1
Host: app.example.com
Content-Type: application/json
Upstash-Signature: {_signature()}

{{"order": 17}}"""


def _verify(signature: str, url: str = _HOOK) -> tuple[str, ...]:
    captured = ("--signature", signature, "--body", _BODY, "--url", url)
    return ("verify", *captured, "--at", str(int(r.NOW)))


SCREENS = {
    "publish": Screen(
        ("publish", _HOOK, "order=17"), {("POST", "/v2/publish"): (200, {"messageId": _ORDERS_ID})}
    ),
    "publish-group": Screen(
        ("publish", "payments", "order=17"),
        {("POST", "/v2/publish"): (200, [{"messageId": _ORDERS_ID, "url": _HOOK},
                                         {"messageId": r.ENTRIES[2]["messageId"],
                                          "url": "https://app.example.com/ledger"}])},
    ),
    "logs": Screen(("logs", "--limit", "12"), _LOGS),
    "logs-by-message": Screen(("logs", "--by-message"), _LOGS),
    "logs-stats": Screen(("logs", "--stats"), _LOGS),
    "logs-empty": Screen(("logs", "--label", "none"), _get("/v2/logs", {"logs": []})),
    "dlq-list": Screen(("dlq", "list"), _DLQ),
    "dlq-group": Screen(("dlq", "group"), _DLQ),
    "dlq-get": Screen(("dlq", "get", "1795525003000-0"), _get("/v2/dlq", r.DLQ[0])),
    "message-get": Screen(("message", "get", _ORDERS_ID), _get("/v2/messages", r.MESSAGE)),
    "message-show-delivered": Screen(
        ("message", "show", _ORDERS_ID),
        _log_of(_ORDERS_ID) | _get("/v2/messages", r.MESSAGE | {"notBefore": None}) | _KEYS,
    ),
    "message-show-retrying": Screen(
        ("message", "show", _INVOICE_ID),
        _log_of(_INVOICE_ID) | _get("/v2/keys", {"current": "sig_other", "next": "sig_new"}),
    ),
    "message-show-dead": Screen(
        ("message", "show", r.DLQ[0]["dlqId"]),
        _log_of(r.DLQ[0]["messageId"]) | _get("/v2/dlq", r.DLQ[0]) | _KEYS,
    ),
    "message-actions": Screen(
        ("message", "actions"), _get("/v2/bulkActions", {"bulkActions": r.ACTIONS})
    ),
    "message-action": Screen(
        ("message", "action", "bulk_3"), _get("/v2/bulkActions", r.ACTIONS[0])
    ),
    "workflow-list": Screen(("workflow", "list"), _RUNS),
    "workflow-show": Screen(
        ("workflow", "show", "wfr_Kq8dZ"), _get("/v2/workflows/events", {"runs": r.RUNS[:1]})
    ),
    "workflow-show-failed": Screen(
        ("workflow", "show", "wfr_Pw3nB"), _get("/v2/workflows/events", {"runs": r.RUNS[1:]})
    ),
    "workflow-dlq-list": Screen(
        ("workflow", "dlq", "list"), _get("/v2/workflows/dlq", {"messages": r.FAILED_RUNS})
    ),
    "schedule-list": Screen(("schedule", "list"), _get("/v2/schedules", r.SCHEDULES)),
    "schedule-get": Screen(
        ("schedule", "get", "nightly"), _get("/v2/schedules", r.SCHEDULES[0])
    ),
    "schedule-next": Screen(("schedule", "next", "0 3 * * *", "--tz", "Europe/Berlin")),
    "schedule-pause": Screen(
        ("schedule", "pause", "nightly"), {("PATCH", "/v2/schedules"): (200, b"")}
    ),
    "urlgroup-list": Screen(("urlgroup", "list"), _get("/v2/topics", r.URL_GROUPS)),
    "urlgroup-get": Screen(("urlgroup", "get", "payments"), _get("/v2/topics", r.URL_GROUPS[0])),
    "queue-list": Screen(("queue", "list"), _get("/v2/queues", r.QUEUES)),
    "queue-get": Screen(("queue", "get", "orders"), _get("/v2/queues", r.QUEUES[0])),
    "queue-pause": Screen(("queue", "pause", "orders"), {("POST", "/v2/queues"): (200, b"")}),
    "flow-list": Screen(("flow", "list"), _get("/v2/flowControl", r.FLOWS)),
    "flow-get": Screen(("flow", "get", "acme"), _get("/v2/flowControl", r.FLOWS[0])),
    "flow-global": Screen(
        ("flow", "global"),
        _get("/v2/globalParallelism", {"parallelismMax": 500, "parallelismCount": 12}),
    ),
    "verify-valid": Screen(_verify(_signature())),
    "verify-invalid": Screen(_verify(_signature('{"order": 17}'), f"{_HOOK}/"), code=7),
    "verify-expired": Screen(_verify(_signature(seconds_ago=480)), code=7),
    "retries": Screen(("retries", "--retries", "5")),
    "check": Screen(
        ("check", "--dlq-max", "0", "--queue", "orders", "--lag-max", "2000"),
        _ACCOUNT | _get("/v2/queues/orders", r.QUEUES[0]),
        code=1,
    ),
    "plan": Screen(("plan", "-f", "{manifest}"), _ACCOUNT),
    "config-list": Screen(("config", "list")),
    "keys-get": Screen(
        ("keys", "get"), _get("/v2/keys", {"current": "sig_current", "next": "sig_next"})
    ),
    "not-found": Screen(("message", "get", "msg_1"), code=4),
    "unauthorized": Screen(
        ("logs",), {("GET", "/v2/logs"): (401, {"error": "unable to authenticate: invalid token"})},
        code=3,
    ),
}  # fmt: skip


def record(screen: Screen, *, columns: int = 80, tty: bool = True, colour: bool = False) -> Run:
    """Runs the screen's command, without colour unless `colour` is set."""
    # Tables depend on the length of the directory's path.
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        api_server(responses=screen.responses, now=lambda: r.NOW) as api,
    ):
        home = Path(folder)
        files = {"{manifest}": home / "qstash.toml", "{capture}": home / "capture.http"}
        files["{manifest}"].write_text(_MANIFEST)
        files["{capture}"].write_text(_CAPTURE)
        qstash = Qstash(home, now=lambda: r.NOW, sleep=lambda _seconds: None)
        qstash.env = {
            "QSTASH_URL": api.url,
            "QSTASH_TOKEN": DEV_USER.token,
            "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
            "QSTASH_NEXT_SIGNING_KEY": DEV_USER.next_signing_key,
        } | ({} if colour else {"NO_COLOR": "1"})
        argv = [str(files.get(part, part)) for part in screen.argv]
        run = qstash(*argv, columns=columns, tty=tty)
    return replace(
        run, out=_without_place(run.out, api.url, home), err=_without_place(run.err, api.url, home)
    )


def _without_place(text: str, url: str, home: Path) -> str:
    """Returns the text without the port and the directory of this run, in the same width."""
    port = url.rpartition(":")[2]
    # Times and ids may contain the digits of the port.
    text = re.sub(rf"(?<!\d){port}(?!\d)", "8080".rjust(len(port), "1"), text)
    return text.replace(str(home), "~".ljust(len(str(home)), "."))


def recordings(screen: Screen) -> Iterator[tuple[str, Run]]:
    """Yields the output at every width and in a pipe, each with the end of its file's name."""
    for columns in WIDTHS:
        yield str(columns), record(screen, columns=columns)
    yield "pipe", record(screen, tty=False)


def as_text(run: Run) -> str:
    """Returns the content of the terminal: the data, and the messages, which are marked."""
    return run.out + "".join(f"! {line}\n" for line in run.err.splitlines())


def pictures(name: str) -> Iterator[tuple[str, str]]:
    """Returns the name and the content of each SVG of a screen, with the colours of a terminal."""
    for columns in WIDTHS if name in LISTS else (80,):
        run = record(SCREENS[name], columns=columns, colour=True)
        yield f"{name}-{columns}.svg", _as_svg(run, SCREENS[name], columns)


def _as_svg(run: Run, screen: Screen, columns: int) -> str:
    title = shlex.join(("qstash", *screen.argv)) if columns > WIDTHS[0] else "qstash"
    title = title if len(title) < columns else f"qstash {screen.argv[0]}"
    return as_svg(run.out + run.err, title, columns)


def as_svg(text: str, title: str, columns: int) -> str:
    """Returns a picture of a terminal that displays a text with escape sequences for colours."""
    console = Console(
        record=True, width=columns, file=io.StringIO(), force_terminal=True,
        color_system="standard", legacy_windows=False, _environ={},
    )  # fmt: skip
    for line in Text.from_ansi(text).split(allow_blank=False):
        # A terminal breaks a long line anywhere.
        ends = accumulate(len(part) for part in chop_cells(line.plain, columns))
        for part in line.divide([end for end in ends if end < len(line)]):
            console.print(part, no_wrap=True, crop=False)
    return console.export_svg(title=title, code_format=_SVG, unique_id="screen")


def main() -> None:
    """Writes the golden screens."""
    PICTURES.mkdir(exist_ok=True)
    for name, screen in SCREENS.items():
        for kind, run in recordings(screen):
            (GOLDEN / f"{name}-{kind}.txt").write_text(as_text(run), encoding="utf-8")
        for file_name, svg in pictures(name):
            (PICTURES / file_name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
