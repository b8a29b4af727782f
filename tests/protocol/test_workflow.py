"""The rules of workflows: headers, inherited options, and steps as JSON."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.errors import BadInput
from qstash_cli.protocol import workflow, workflow_steps
from qstash_cli.protocol.option_headers import decode, encode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.workflow import WorkflowHeaders
from qstash_cli.protocol.workflow_steps import RawStep

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["stepId", "stepName", "stepType", "targetStep", "out"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


def test_a_message_without_workflow_headers_is_not_of_a_workflow() -> None:
    headers = (("Upstash-Label", "a"), ("Upstash-Forward-Upstash-Workflow-RunId", "wfr_1"))

    assert workflow.parse(headers) is None


def test_headers_are_recognized_in_any_case() -> None:
    headers = (
        ("upstash-workflow-init", "TRUE"), ("UPSTASH-WORKFLOW-RUNID", "wfr_1"),
        ("Upstash-Workflow-Url", "http://x"), ("Upstash-Workflow-CallType", "toCallback"),
        ("Upstash-Workflow-Invoke", "true"), ("upstash-workflow-trigger-by-sdk", "true"),
        ("Upstash-Workflow-CreatedAt", "12"),
    )  # fmt: skip

    assert workflow.parse(headers) == WorkflowHeaders(
        "wfr_1", "http://x", "12", "toCallback", is_init=True, is_invoke=True, is_phase_two=True
    )


def test_a_step_inherits_what_it_does_not_set() -> None:
    run = MessageOptions(
        retries=5, retry_delay="100", label=("a",), flow_key="run", rate=7, delay_s=60,
        failure_callback="http://x", headers=(("X-User", "me"), ("X-Both", "run")),
    )  # fmt: skip
    own = MessageOptions(retries=0, headers=(("X-Both", "step"),))

    found = workflow.inherit(run, own)

    assert (found.retries, found.retry_delay, found.label) == (0, "100", ("a",))
    assert (found.flow_key, found.rate, found.failure_callback) == ("run", 7, "http://x")
    assert found.headers == (("X-Both", "step"), ("X-User", "me"))
    # The delay was that of the trigger.
    assert found.delay_s is None


def test_a_flow_control_key_of_a_step_has_limits_of_its_own() -> None:
    run = MessageOptions(flow_key="run", rate=7, parallelism=1)

    found = workflow.inherit(run, MessageOptions(flow_key="step", rate=1))

    assert (found.flow_key, found.rate, found.parallelism) == ("step", 1, None)


def test_a_call_has_neither_the_settings_of_the_run_nor_its_headers() -> None:
    run = MessageOptions(retries=5, failure_callback="http://x", label=("a",), redact=("body",))
    own = MessageOptions(
        retries=0,
        headers=(("Upstash-Workflow-Invoke-Count", "1"), ("Upstash-Label", "a"), ("X-Call", "1")),
    )

    found = workflow.call_options(run, own)

    assert found == MessageOptions(
        retries=0, label=("a",), redact=("body",), headers=(("X-Call", "1"),)
    )


@pytest.mark.parametrize(
    ("call_type", "names"),
    [
        ("step", ["RunId", "CreatedAt", "Sdk-Version"]),
        ("fromCallback", ["RunId", "CreatedAt", "Sdk-Version", "Url", "Init", "CallType"]),
        ("failureCall", ["RunId", "CreatedAt", "Url", "Init", "CallType"]),
    ],
)
def test_the_headers_of_a_delivery(call_type: str, names: list[str]) -> None:
    found = workflow.delivery_headers("wfr_1", "http://x", 12, call_type, ())

    assert [name for name, _ in found] == [f"Upstash-Workflow-{name}" for name in names]


def test_a_header_that_is_forwarded_is_not_added_again() -> None:
    forwarded = (("upstash-workflow-sdk-version", "2"),)

    found = dict(workflow.delivery_headers("wfr_1", "http://x", 12, "step", forwarded))

    assert "Upstash-Workflow-Sdk-Version" not in found


def test_stored_options_keep_the_headers_that_are_forwarded() -> None:
    own = (("Upstash-Workflow-Sdk-Version", "1"), ("X-User", "me"))
    options = MessageOptions(headers=own, on_failure_callback=MessageOptions(headers=own))

    assert decode(encode(options, forwards_all=True)) == options


@given(JSON)
def test_what_is_not_a_step_is_refused(value: object) -> None:
    try:
        step = workflow_steps.parse_step(json.dumps(value))
    except BadInput:
        return
    assert isinstance(step["stepId"], int)
    assert workflow_steps.step_key(step)


def test_the_plan_and_the_result_of_a_step_are_two_steps() -> None:
    plan = {"stepId": 0, "targetStep": 3}
    keys = {workflow_steps.step_key(one) for one in (plan, {"stepId": 3}, {"stepId": 0})}

    assert keys == {"plan:3", "step:3", "step:0"}


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_the_size_of_a_list_of_steps_is_never_underestimated(bodies: list[bytes]) -> None:
    steps = [RawStep(f"msg_{'x' * 28}", body, "fromCallback") for body in bodies]

    encoded = workflow_steps.encode_steps(steps)

    size = sum(map(len, bodies))
    assert len(encoded) <= workflow_steps.encoded_bytes(size, len(bodies)) + 2
    assert [b64decode(one["body"]) for one in json.loads(encoded)] == bodies
