"""The values that complete an option or argument, by kind, with descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from qstash_cli.cli.context import Context
from qstash_cli.cli.run_options import ConnectionOptions

Value = tuple[str, str]

# These values come from QStash; other values are static.
_ONLINE = frozenset(
    {
        "schedule",
        "urlgroup",
        "queue",
        "flow_key",
        "dlq",
        "waiting",
        "run",
        "workflow_dlq",
        "failure_group",
    }
)
# These options take several values, separated by commas.
_LISTS = {"schedules": "schedule", "urlgroups": "urlgroup", "queues": "queue", "states": "state"}
_CONNECTION = ("profile", "env_file", "dev", "api_url", "token", "insecure")
_COMMON_HEADERS = (
    ("Accept", "Media types that the destination may respond with"),
    ("Authorization", "Credentials for the destination"),
    ("Content-Type", "What the body is"),
    ("Idempotency-Key", "The destination does it once"),
    ("Traceparent", "Trace that the delivery is part of"),
    ("User-Agent", "Who asks the destination"),
    ("X-Request-Id", "Id of the request, for logs"),
)


def values_of(
    kind: str, ctx: Context, given: Mapping[str, Any], incomplete: str
) -> Iterator[Value]:
    """Returns the values of a kind that start with the incomplete text.

    `given` are the preceding options.
    """
    before = ""
    if kind in _LISTS:
        kind = _LISTS[kind]
        before = incomplete[: incomplete.rfind(",") + 1]
    ctx = ctx.with_connection(
        ConnectionOptions(**{n: given[n] for n in _CONNECTION if given.get(n)})
    )
    for value, description in _found(kind, ctx, incomplete):
        if value.startswith(incomplete.removeprefix(before)):
            yield f"{before}{value}", description


def _found(kind: str, ctx: Context, incomplete: str) -> Iterable[Value]:
    if kind in _ONLINE:
        from qstash_cli.completion.remote_values import fetched

        return fetched(kind, ctx)
    if "|" in kind:
        return ((value, "") for value in kind.split("|"))
    if kind == "state":
        return _states(incomplete)
    return _KNOWN[kind](ctx)


def _profiles(ctx: Context) -> Iterator[Value]:
    from qstash_cli.config.urls import DEFAULT_URL

    for name, profile in ctx.config.profiles.profiles.items():
        mark = ", the default" if name == ctx.config.profiles.default else ""
        yield name, f"{profile.api_url or DEFAULT_URL}{mark}"


def _states(incomplete: str) -> Iterator[Value]:
    from qstash_cli.protocol.states import STATES

    is_upper = incomplete.rpartition(",")[2][:1].isupper()
    for state in STATES:
        yield state if is_upper else state.lower(), ""


def _zones(_ctx: Context) -> Iterator[Value]:
    from pathlib import Path

    import tzdata

    # Reading this list takes a tenth of the time of listing the time zones. It is opened by its
    # path, because importlib.resources takes 6 ms to import.
    for zone in Path(tzdata.__file__).with_name("zones").read_text().split():
        yield zone, ""


def _headers(_ctx: Context) -> Iterator[Value]:
    from qstash_cli.protocol.options import table

    for name, description in _COMMON_HEADERS:
        yield f"{name}:", description
    helps: dict[str, str] = {}
    for _, option in table():
        helps.setdefault(option.header, option.help)
    for header, description in helps.items():
        yield f"Upstash-{header}:", description


def _formats(_ctx: Context) -> Iterator[Value]:
    from qstash_cli.output.formats import FORMATS

    for name, function in FORMATS.items():
        yield name, (function.__doc__ or "").partition("\n")[0].rstrip(".")


def _methods(_ctx: Context) -> Iterator[Value]:
    from qstash_cli.protocol.value_types import METHODS

    return ((method, "") for method in METHODS)


def _plans(_ctx: Context) -> Iterator[Value]:
    from qstash_cli.protocol.limits import PLANS

    return ((plan, "") for plan in PLANS)


def _redactable(_ctx: Context) -> Iterator[Value]:
    yield "body", "The body"
    yield "header", "Every header"
    yield "header[Authorization]", "One header, by its name"


def _shells(_ctx: Context) -> Iterator[Value]:
    from qstash_cli.completion.scripts import SCRIPTS

    return ((shell, "") for shell in SCRIPTS)


def _topics(_ctx: Context) -> Iterator[Value]:
    from qstash_cli.commands.help.topics import TOPICS

    return ((topic, "") for topic in TOPICS)


_KNOWN: Mapping[str, Callable[[Context], Iterable[Value]]] = {
    "format": _formats,
    "header": _headers,
    "method": _methods,
    "plan": _plans,
    "profile": _profiles,
    "redact": _redactable,
    "shell": _shells,
    "topic": _topics,
    "zone": _zones,
}
