"""The limits of the plans, from the numbers that the program uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from docs.generate.markdown import code, page, prose, table
from qstash_cli.client.api import dlq, logs
from qstash_cli.protocol import backoff
from qstash_cli.protocol.durations import LONGEST_PERIOD_S, format_duration
from qstash_cli.protocol.limits import ASSUMED, DEV_QUOTAS, PLANS, PlanLimits
from qstash_cli.protocol.signature import LIFETIME_S
from qstash_cli.server.delivery.http_attempt import MAX_TIMEOUT_S
from qstash_cli.server.http.request_body import LIMIT_BYTES
from qstash_cli.server.storage.deduplication import WINDOW_MS

_PLANS = {"free": "Free", "payg": "Pay as you go", "fixed": "Fixed"}


class _Limit(NamedTuple):
    name: str
    format: Callable[[int], str]


def _count(number: int) -> str:
    return f"{number:,}"


def _size(number: int) -> str:
    return f"{number // 1_048_576} MiB"


_NAMES = {
    "body_bytes": _Limit("Size of a message", _size),
    "delay_s": _Limit("Delay", format_duration),
    "timeout_s": _Limit("Duration of a response", format_duration),
    "retries": _Limit("Retries of a message", _count),
    "messages_per_day": _Limit("Messages a day", _count),
    "requests_per_s": _Limit("Requests a second, publishing aside", _count),
    "urlgroups": _Limit("URL groups", _count),
    "endpoints": _Limit("Endpoints of a URL group", _count),
    "schedules": _Limit("Schedules", _count),
    "queues": _Limit("Queues", _count),
    "parallelism": _Limit("Parallelism of a queue", _count),
    "global_parallelism": _Limit("Concurrent deliveries of the account", _count),
}


def limits() -> str:
    """Returns the page."""
    assumed = [f"- {_NAMES[name].name}: {prose(reason)}." for name, reason in ASSUMED.items()]
    return page(
        "Limits and plans",
        "Check whether a message, schedule or queue is within the limits of your plan, and test "
        "what your app does when one is exceeded.",
        "## Limits of the plans",
        table(("Limit", *(_PLANS[name] for name in PLANS), "Source"), list(_rows())),
        "An empty cell means unlimited, or limited by agreement. *Documented* limits are those of "
        "Upstash's pricing page for QStash, read in 2026; the page may have changed since. "
        "*Assumed* limits are not on it:",
        "\n".join(assumed),
        "QStash responds with 412 and `quota max... exceeded, current limit: N` if a limit is "
        "exceeded, and with 429 if it is the limit of a day or a second. Your account is what "
        "counts: a refusal by QStash names the limit that applies.",
        "## Check before sending",
        "```sh\nqstash config set prod --plan free --token-env QSTASH_TOKEN\n```",
        "With a plan in the profile, `publish`, `batch`, `schedule create` and `apply` refuse "
        "bodies, delays and timeouts that the plan does not allow, before anything is sent. "
        "Without one, they assume the largest plan. `--no-check` sends the message anyway.",
        "## Test a limit",
        "```sh\nqstash dev --quota free\n```",
        f"`qstash dev` has no limits by default. `--quota` and `QSTASH_DEV_QUOTA` simulate a plan: "
        f"{', '.join(code(name) for name in DEV_QUOTAS)}.",
        "## Limits of every plan",
        table(("Limit", "Value"), _others()),
        "`qstash retries` shows the delays of your options.",
    )


def _rows() -> Iterator[tuple[str, ...]]:
    for field in PlanLimits._fields:
        name, form = _NAMES[field]
        values = (getattr(plan, field) for plan in PLANS.values())
        cells = ("" if value is None else form(value) for value in values)
        yield name, *cells, "assumed, see below" if field in ASSUMED else "documented"


def _others() -> list[tuple[str, str]]:
    return [
        ("Period of a flow control rate", f"1s to {format_duration(LONGEST_PERIOD_S)}"),
        ("Delay before a retry", f"at most {format_duration(backoff.LONGEST_MS // 1000)}"),
        ("Retries, unless a message sets them", str(backoff.DEFAULT_RETRIES)),
        ("Deduplication", f"{format_duration(WINDOW_MS // 1000)} after the first message"),
        ("Lifetime of a signature", format_duration(LIFETIME_S)),
        ("Entries in a page of the DLQ", str(dlq.PAGE)),
        ("Entries in a page of the log", str(logs.PAGE)),
        ("Size of a request to the API (`qstash dev`)", _size(LIMIT_BYTES)),
        ("Timeout of a delivery (`qstash dev`)", format_duration(MAX_TIMEOUT_S)),
    ]
