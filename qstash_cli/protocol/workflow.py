"""Upstash Workflow: the headers of its messages, and the options that its steps inherit.

QStash's side of the protocol is not documented. What this module and `workflow_steps` know about it
is read from the workflow SDKs (JavaScript 1.3, Python 2.0) and the SDKs' tests: everything that
is not marked otherwise is a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Literal, NamedTuple

from qstash_cli.protocol.headers import Headers
from qstash_cli.protocol.options import MessageOptions

RunState = Literal["RUN_STARTED", "RUN_SUCCESS", "RUN_FAILED", "RUN_CANCELED"]
STARTED: RunState = "RUN_STARTED"
SUCCESS: RunState = "RUN_SUCCESS"
FAILED: RunState = "RUN_FAILED"
CANCELED: RunState = "RUN_CANCELED"
# Documented.
RUN_STATES: tuple[RunState, ...] = (STARTED, SUCCESS, FAILED, CANCELED)

CallType = Literal["step", "toCallback", "fromCallback", "failureCall"]
STEP: CallType = "step"
# The request of a `call` to a third party, and its result for the workflow.
TO_CALLBACK: CallType = "toCallback"
FROM_CALLBACK: CallType = "fromCallback"
FAILURE_CALL: CallType = "failureCall"

SDK_VERSION = "Upstash-Workflow-Sdk-Version"
PROTOCOL_VERSION = "1"
UNKNOWN_SDK = "Upstash-Workflow-Unknown-Sdk"
# A longer list of steps is not delivered: the SDK then requests it.
MAX_DELIVERED_BYTES = 1_048_576
# A run whose steps are longer in total accepts no more of them.
MAX_RUN_BYTES = 64 * 1_048_576
NOT_A_WORKFLOW = (
    "detected a non-workflow destination for trigger/invoke. "
    "make sure you are sending the request to the correct endpoint"
)
NOT_TRIGGERABLE = "trigger rest api is only usable with sdk versions after v1.0.0 major version"

_PREFIX = "upstash-workflow-"
_PREFIXES = (_PREFIX, "upstash-callback-workflow-", "upstash-failure-callback-workflow-")
_FOR_WORKFLOWS = (_PREFIX, "upstash-label")
# Options that apply only to the step that sets them. Others are inherited from the trigger.
_OWN = frozenset({"headers", "delay_s", "not_before_s", "callback", "on_callback", "method"})
_OF_FLOW_CONTROL = frozenset({"flow_key", "parallelism", "rate", "period_s"})


class WorkflowHeaders(NamedTuple):
    """The workflow headers of a published message; a missing header is an empty string.

    `created_at` is the time of the run as the SDK knows it. `is_phase_two` is set if the endpoint
    starts a run that the server has created for it. `is_untested` is set for a trigger that does
    not come from the SDK.
    """

    run_id: str = ""
    url: str = ""
    created_at: str = ""
    call_type: str = STEP
    is_init: bool = False
    is_invoke: bool = False
    is_phase_two: bool = False
    is_unknown_sdk: bool = False
    is_untested: bool = False


def is_workflow_header(name: str) -> bool:
    """Returns whether a header of a publish is for the workflow engine."""
    return name.lower().startswith(_PREFIXES)


def parse(headers: Headers) -> WorkflowHeaders | None:
    """Returns the workflow headers of a publish, None if it has none."""
    named = [(name.lower(), value) for name, value in headers]
    if not any(name.startswith(_PREFIXES) for name, _ in named):
        return None
    own = {name.removeprefix(_PREFIX): v for name, v in named if name.startswith(_PREFIX)}
    return WorkflowHeaders(
        run_id=own.get("runid", ""),
        url=own.get("url", ""),
        created_at=own.get("createdat", ""),
        call_type=own.get("calltype", STEP) or STEP,
        is_init=_is_true(own.get("init")),
        is_invoke=_is_true(own.get("invoke")),
        is_phase_two=_is_true(own.get("trigger-by-sdk")),
        is_unknown_sdk=_is_true(own.get("unknown-sdk")),
    )


def delivery_headers(
    run_id: str, url: str, created_ms: int, call_type: str, forwarded: Headers
) -> Headers:
    """Returns the headers that the server adds to a delivery to the endpoint of a workflow.

    The SDK takes a delivery without a version for the trigger of a new run; a failure is
    recognized by a header of its own.
    """
    of_callback = (
        ("Upstash-Workflow-Url", url),
        ("Upstash-Workflow-Init", "false"),
        ("Upstash-Workflow-CallType", call_type),
    )
    added = (
        ("Upstash-Workflow-RunId", run_id),
        ("Upstash-Workflow-CreatedAt", str(created_ms)),
        *([(SDK_VERSION, PROTOCOL_VERSION)] if call_type != FAILURE_CALL else ()),
        *(of_callback if call_type != STEP else ()),
    )
    names = {name.lower() for name, _ in forwarded}
    return tuple(header for header in added if header[0].lower() not in names)


def without_workflow_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Returns the headers that a third party may receive."""
    return tuple((n, v) for n, v in headers if not n.lower().startswith(_FOR_WORKFLOWS))


def inherit(run: MessageOptions, own: MessageOptions) -> MessageOptions:
    """Returns the options of a step: its own, and those of the trigger that it does not set."""
    return _completed(own, run, _OWN)


def override(options: MessageOptions, given: MessageOptions) -> MessageOptions:
    """Returns the options with those that are given in place of their own."""
    return _completed(given, options, frozenset({"headers"}))


def _completed(
    own: MessageOptions, others: MessageOptions, kept_out: frozenset[str]
) -> MessageOptions:
    if own.flow_key is not None:
        kept_out |= _OF_FLOW_CONTROL
    unset = {
        one.name: getattr(others, one.name)
        for one in fields(MessageOptions)
        if one.name not in kept_out and getattr(own, one.name) in {None, ()}
    }
    named = {name.lower() for name, _ in own.headers}
    kept = tuple(header for header in others.headers if header[0].lower() not in named)
    return replace(own, **unset, headers=(*own.headers, *kept))


def call_options(run: MessageOptions, own: MessageOptions) -> MessageOptions:
    """Returns the options of the request to a third party, which is not a step of the run."""
    return replace(
        own,
        headers=without_workflow_headers(own.headers),
        label=own.label or run.label,
        redact=own.redact or run.redact,
        failure_callback=None,
        on_failure_callback=None,
    )


def awaits_second_phase(run: MessageOptions) -> bool:
    """Returns whether the endpoint of a run has yet to start it."""
    return any(name.lower() == UNKNOWN_SDK.lower() for name, _ in run.headers)


def second_phase(run: MessageOptions, own: MessageOptions) -> MessageOptions:
    """Returns the options of a run whose endpoint has started it."""
    options = inherit(run, own)
    return replace(options, headers=without_unknown_sdk(options.headers))


def without_unknown_sdk(headers: Headers) -> Headers:
    """Returns headers with which the endpoint does not start a run."""
    return tuple(header for header in headers if header[0].lower() != UNKNOWN_SDK.lower())


def _is_true(value: str | None) -> bool:
    return value is not None and value.strip().lower() == "true"
