"""The screen of `qstash workflow show`: a run, its steps as a tree, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qstash_cli.commands.workflow.views import RUNS
from qstash_cli.output.blocks import (
    Block,
    Commands,
    Headline,
    Listing,
    Paragraph,
    Preformatted,
    Section,
)
from qstash_cli.output.body_text import MAX_LINES, MAX_LINES_VERBOSE, cut_line, display_body
from qstash_cli.output.result import Column, View
from qstash_cli.output.values import readable_span
from qstash_cli.protocol.message_details import Body
from qstash_cli.protocol.numbers import amount
from qstash_cli.protocol.run_log import RunLog, failure_of, steps_of, took_s
from qstash_cli.protocol.workflow import CANCELED, FAILED, SUCCESS

_ENDS = {SUCCESS: "succeeded", FAILED: "failed", CANCELED: "was cancelled"}
_OPTIONS = View(
    columns=(
        *(column for column in RUNS.columns if column.name in {"workflowRunId", "labels"}),
        Column(name="dlqId", of="dlqId", format="id", header="DLQ ID"),
        Column(name="createdAt", of="workflowRunCreatedAt", format="instant_ms"),
        Column(name="endedAt", of="workflowRunCompletedAt", format="instant_ms"),
    ),
    id="workflowRunId",
)
_STEPS = View(
    columns=(
        Column(name="time", of="createdAt", format="instant_ms"),
        Column(name="step", of="step"),
        Column(name="type", of="stepType", is_optional=True),
        Column(name="state", of="state", format="state"),
        Column(name="result", of="result", wraps=True),
    ),
    id="step",
)


def blocks_of(
    run: RunLog, commands: tuple[tuple[str, str], ...], *, is_verbose: bool
) -> Iterator[Block]:
    """Yields the screen of a run, with the commands that make sense for it."""
    yield Headline(run["workflowState"], run["workflowUrl"])
    yield Paragraph(_summary(run))
    yield Section()
    yield Listing(run, _OPTIONS)
    yield Section("Steps")
    yield Listing(list(_rows(run)), _STEPS)
    limit = MAX_LINES_VERBOSE if is_verbose else MAX_LINES
    if is_verbose:
        for step in steps_of(run):
            if step.get("out"):
                yield from _text(f"Result of {_name(step)}", step["out"], limit)
    if run.get("workflowRunResponse"):
        yield from _text("Result", run["workflowRunResponse"], limit)
    if reason := failure_of(run):
        yield from _text("Failure", reason, limit)
    if commands:
        yield Section("Next")
        yield Commands(commands)


def _summary(run: RunLog) -> str:
    count = amount(sum(1 for _ in steps_of(run)), "step")
    took = took_s(run)
    if took is None:
        return f"{count} so far"
    ended = _ENDS.get(run["workflowState"], "ended")
    return f"{ended} after {count}, {readable_span(took)} after it was created"


def _rows(run: RunLog) -> Iterator[dict[str, Any]]:
    for group in run["steps"]:
        steps = group["steps"]
        if group.get("type") != "parallel":
            yield from (_row(one, "") for one in steps)
            continue
        yield {"step": f"{len(steps)} in parallel"}
        for number, one in enumerate(steps, 1):
            yield _row(one, "└ " if number == len(steps) else "├ ")


def _row(step: Mapping[str, Any], branch: str) -> dict[str, Any]:
    return {
        "createdAt": step.get("createdAt"),
        "step": f"{branch}{_name(step)}",
        "stepType": step.get("stepType"),
        "state": step.get("state"),
        "result": _detail(step),
    }


def _name(step: Mapping[str, Any]) -> str:
    return str(step.get("stepName") or "(next step)")


def _detail(step: Mapping[str, Any]) -> str | None:
    """Returns the result of a step, or what it waits for, on one line."""
    parts = []
    errors = step.get("errors") or ()
    if errors:
        last = errors[-1]
        parts.append(f"{last.get('status') or ''} {last.get('body') or last.get('error') or ''}")
    if step.get("callUrl"):
        status = step.get("callResponseStatus")
        parts.append(f"{step['callUrl']}{f': {status}' if status else ''}")
    if step.get("invokedWorkflowRunId"):
        parts.append(f"run {step['invokedWorkflowRunId']}")
    if step.get("waitEventId"):
        late = " (timed out)" if step.get("waitTimeout") else ""
        parts.append(f"event {step['waitEventId']}{late}")
    if step.get("out") and not step.get("callUrl"):
        parts.append(step["out"])
    return cut_line(" ".join(" ".join(parts).split())) or None


def _text(title: str, text: str, max_lines: int) -> Iterator[Block]:
    displayed = display_body(Body(text.encode(errors="surrogatepass")), (), max_lines)
    yield Section(title, displayed.note)
    if displayed.text:
        yield Preformatted(displayed.text)
