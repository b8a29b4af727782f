"""On a terminal, commands confirm what they changed, and prompts name the object."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from tests.commands.test_previews import WRITES, World, services, world
from tests.every_command import argv
from tests.in_process import Qstash

__all__ = ["services", "world"]

# The sentences that the changes end with, as patterns.
SENTENCES = {
    "publish": "Published 1 message",
    "publish to a queue": "Published 1 message",
    "publish and wait": r"Delivered: 200 after 1 attempt, \d+\.\d\d s",
    "batch": "Published 5 messages",
    "message cancel": "Cancelled 2 messages",
    "message cancel by filter": r"Cancelled \d+ messages",
    "message run-now": "Released 2 messages",
    "schedule create": r"Created schedule scd_\w+",
    "schedule create with an id": "Created schedule x",
    "schedule replace": "Saved schedule report",
    "schedule create to a group": r"Created schedule scd_\w+",
    "schedule pause": "Paused schedule report",
    "schedule resume": "Resumed schedule report",
    "schedule delete": "Deleted schedule report",
    "schedule run": "Published 1 message",
    "urlgroup add": "Added 2 endpoints to URL group team",
    "urlgroup remove": "Removed 1 endpoint from URL group team",
    "urlgroup headers": "Set 1 default header of URL group team",
    "urlgroup delete": "Deleted URL group team",
    "queue set": r"Saved queue orders \(parallelism 2\)",
    "queue pause": "Paused queue orders",
    "queue resume": "Resumed queue orders",
    "queue delete": "Deleted queue orders and its messages",
    "flow pause": "Paused flow control key api",
    "flow resume": "Resumed flow control key api",
    "flow pin": r"Pinned flow control key api \(parallelism 3\)",
    "flow unpin": "Unpinned the rate of flow control key api",
    "flow reset": "Reset the rate period of flow control key api",
    "dlq retry": "Retried 2 DLQ entries",
    "dlq retry by filter": "Retried 3 DLQ entries",
    "dlq delete": "Deleted 3 DLQ entries",
    "dlq delete by filter": "Deleted 3 DLQ entries",
    "replay": "Delivered 2 messages to http://127.0.0.1:.*/hook",
    "replay by filter": "Delivered 3 messages to http://127.0.0.1:.*/hook",
    "keys rotate": "Rotated the signing keys",
    "keys rotate with probes": "Rotated the signing keys",
    "apply": r"Applied \d changes: .* created.*",
    "apply with deletions": r"Applied \d changes: .*deleted",
    "api": "Sent POST /v2/queues",
    "workflow cancel": "Cancelled 1 workflow run",
    "workflow cancel by URL": r"Cancelled \d+ workflow runs?",
    "workflow notify": "Notified 0 waiters",
    "workflow dlq resume": "Resumed 2 runs",
    "workflow dlq resume by filter": "Resumed 2 runs",
    "workflow dlq restart": "Restarted 1 run",
    "workflow dlq restart by filter": "Restarted 2 runs",
    "workflow dlq delete": "Deleted 1 failed run",
    "workflow dlq delete by filter": "Deleted 2 failed runs",
    "workflow dlq retry-callback": r"Sent the failure callback of wfr_\w+ again",
}
# These messages cannot be delivered, so that the run ends with an error.
_FAILING = frozenset({"dlq retry and wait"})


def test_every_change_has_a_sentence() -> None:
    assert set(SENTENCES) | _FAILING == set(WRITES)


@pytest.mark.parametrize("name", SENTENCES)
def test_a_terminal_displays_what_was_changed(world: World, name: str) -> None:
    run = world.qstash(*world.argv(*WRITES[name]), tty=True, NO_COLOR="1")

    assert run.code == 0, run
    assert [one for one in run.err.splitlines() if re.fullmatch(SENTENCES[name], one)], run


def test_the_sentence_replaces_the_name_that_a_pipe_gets(world: World) -> None:
    on_terminal = world.qstash("queue", "pause", "orders", tty=True, NO_COLOR="1")
    in_pipe = world.qstash("queue", "resume", "orders")
    with_format = world.qstash("queue", "pause", "orders", "-o", "ids", tty=True)

    assert (on_terminal.out, on_terminal.err) == ("", "Paused queue orders\n")
    assert (in_pipe.out, in_pipe.err) == ("orders\n", "")
    assert with_format.out == "orders\n"


@pytest.mark.parametrize("flag", ["--quiet", "--dry-run", "--curl"])
def test_no_sentence_with_an_option_that_omits_it(world: World, flag: str) -> None:
    run = world.qstash("queue", "pause", "orders", flag, tty=True)

    assert (run.code, run.err) == (0, "")


def test_no_sentence_in_a_pipe(world: World) -> None:
    assert world.qstash("queue", "pause", "orders").err == ""
    assert world.qstash("dlq", "delete", "--label", "lost", "--yes").err == ""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("config set", "Saved profile other in {file}"),
        ("config use", "Profile prod is the default now"),
        ("config remove", "Removed profile prod"),
    ],
)
def test_a_change_of_the_profiles_is_confirmed(qstash: Qstash, name: str, sentence: str) -> None:
    qstash("config", "set", "prod", "--token-env", "TOKEN")

    run = qstash(*argv(name), tty=True)

    assert run.code == 0, run
    assert run.err == f"{sentence.format(file=qstash.home / 'config.toml')}\n"


def test_the_sentence_of_a_change_is_on_one_line_without_escapes(local: Qstash) -> None:
    run = local("api", "POST", "/v2/queues?\x1b[31m\n", "-d", '{"queueName":"x"}', tty=True)

    assert "\x1b" not in run.err
    assert len(run.err.splitlines()) <= 2, run


# Questions


QUESTIONS: tuple[tuple[Sequence[str], str], ...] = (
    (("queue", "delete", "orders"), "Delete queue orders and the 0 messages in it, of ACCOUNT?"),
    (("urlgroup", "delete", "team"), "Delete URL group team with 2 endpoints of ACCOUNT?"),
    (
        ("schedule", "delete", "report"),
        "Delete schedule report (@daily, https://example.com/hook) of ACCOUNT?",
    ),
    (("keys", "rotate"), "Rotate the signing keys of ACCOUNT?"),
    (
        ("dlq", "delete", "--label", "lost", "--status", "404", "--since", "1h"),
        "Delete 0 DLQ entries (label lost, status 404, since 1h) of ACCOUNT?",
    ),
    (("dlq", "retry", "--label", "lost"), "Retry 3 DLQ entries (label lost) of ACCOUNT?"),
    (("message", "cancel", "--all"), "Cancel all messages of ACCOUNT?"),
    (("apply", "--prune"), "to ACCOUNT?"),
    (
        ("replay", "--all", "--to", "https://example.com/x"),
        "Deliver real messages of ACCOUNT to https://example.com/x, which will act on them?",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("words", "question"), QUESTIONS, ids=lambda one: " ".join(one[:2]))
def test_a_question_names_what_where_and_a_no_changes_nothing(
    world: World, words: Sequence[str], question: str
) -> None:
    url = world.qstash.env.pop("QSTASH_URL")
    token = world.qstash.env.pop("QSTASH_TOKEN").encode()
    world.qstash("config", "set", "prod", "--api-url", url, "--token-stdin", stdin=token)

    run = world.qstash(*words, "-p", "prod", tty=True, stdin=b"n\n", NO_COLOR="1")

    asked = question.replace("ACCOUNT", f"profile prod, {url}")
    assert (run.code, run.out) == (130, ""), run
    assert f"{asked} [y/N]" in run.err
    assert run.err.endswith("Cancelled; nothing was changed\n")
    assert world.writes() == []


def test_a_removed_profile_is_asked_about(qstash: Qstash) -> None:
    qstash("config", "set", "prod", "--token-env", "TOKEN")

    run = qstash("config", "remove", "prod", tty=True, stdin=b"\n")

    file = qstash.home / "config.toml"
    assert (run.code, run.err) == (
        130, f"Remove profile prod from {file}? [y/N] Cancelled; nothing was changed\n",
    )  # fmt: skip
    assert "prod" in file.read_text()
