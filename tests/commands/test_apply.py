"""`apply` with real servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.manifests import SMALL, URL, proxy, writes
from tests.in_process import Qstash


def test_the_manifest_in_the_guide_is_valid(local: Qstash, write: Callable[[str], str]) -> None:
    guide = (Path(__file__).parents[2] / "docs/guides/commands-by-task.md").read_text()
    path = write(guide.partition("```toml\n")[2].partition("```")[0])

    assert local("apply", "-f", path, "--yes").out.count("create\t") == 4
    assert local("plan", "-f", path, "--check").code == 0


def test_a_manifest_of_fifty_is_applied_and_applying_it_again_sends_nothing(
    local: Qstash, server_url: str, write: Callable[[str], str]
) -> None:
    redacted = f'body = "x"\nredact = "body"\ncallback = {{url = "{URL}", retries = 1}}\n'
    many = [SMALL]
    many += [f"[queues.q{n}]\nparallelism = {n}" for n in range(1, 12)]
    many += [f"[flow.k{n}]\nparallelism = {n}" for n in range(1, 12)]
    many += [f'[urlgroups.g{n}]\nendpoints = ["{URL}/{n}"]' for n in range(1, 12)]
    many += [f'[schedules.s{n}]\ndestination = "g{n}"\ncron = "@daily"' for n in range(1, 12)]
    many += [f'[schedules.hidden]\ndestination = "{URL}"\ncron = "@daily"\n{redacted}']
    path = write("\n".join(many))

    with proxy(server_url, lambda _request: False) as between:
        local.env["QSTASH_URL"] = between.url
        first = local("apply", "-f", path, "--yes")
        assert (first.code, first.out.count("create\t")) == (0, 50), first
        assert len(writes(between)) > 50
        between.received.clear()

        second = local("apply", "-f", path)

    assert (second.code, second.out) == (0, ""), second
    assert "no differences" in second.err
    assert writes(between) == []
    assert {r.method for r in between.received} == {"GET"}


def test_apply_asks_for_confirmation_before_it_changes_anything(
    local: Qstash, write: Callable[[str], str]
) -> None:
    path = write(SMALL)

    piped = local("apply", "-f", path)
    refused = local("apply", "-f", path, tty=True, stdin=b"n\n")
    only_shown = local("apply", "-f", path, "--dry-run")

    assert (piped.code, "+ queue emails" in piped.err, "--yes" in piped.err) == (2, True, True)
    assert (refused.code, "Apply 5 changes to QSTASH_TOKEN, http://127" in refused.err) == (
        130,
        True,
    ), refused
    assert (only_shown.code, "5 to create" in only_shown.err) == (0, True)
    assert "POST http://127.0.0.1" in only_shown.out
    assert local("queue", "list").out == ""
    assert local("apply", "-f", path, "--curl").code == 0
    assert local("queue", "list").out == ""
    assert local("apply", "-f", path, tty=True, stdin=b"y\n").code == 0
    assert local("queue", "list", "-q").out == "emails\n"


def test_pruning_removes_unlisted_resources_of_the_kinds_in_the_manifest(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("apply", "-f", write(SMALL), "--yes")
    local("schedule", "create", URL, "--cron", "@daily", "--id", "by-hand")
    path = write("[schedules]\n[urlgroups]\n[flow]\n")

    kept = local("apply", "-f", path)
    asked = local("apply", "-f", path, "--prune")
    pruned = local("apply", "-f", path, "--prune", "--yes")

    assert (kept.code, "kept without --prune: schedule fan" in kept.err) == (0, True), kept
    assert (asked.code, "Apply 4 changes (4 deletions)?" in asked.err) == (2, True), asked
    assert pruned.out == (
        "delete\tschedule\tfan\ndelete\tschedule\tnightly\n"
        "delete\turlgroup\torders\ndelete\tflow\topenai\n"
    ), pruned
    assert local("schedule", "list", "-q").out == "by-hand\n"
    assert local("queue", "list", "-q").out == "emails\n"
    assert local("urlgroup", "list", "-q").out == ""


def test_the_first_failure_stops_apply_and_reports_the_finished_steps(
    local: Qstash, server_url: str, write: Callable[[str], str]
) -> None:
    path = write(SMALL)

    with proxy(server_url, lambda request: "schedules/orders" in request.path) as between:
        failed = local("apply", "-f", path, "--yes", QSTASH_URL=between.url)
    with proxy(server_url, lambda request: request.method != "GET") as between:
        local("queue", "delete", "emails", "--yes")
        refused = local("apply", "-f", path, "--yes", QSTASH_URL=between.url)

    assert failed.code == 10, failed
    assert failed.out.splitlines() == [
        "create\tqueue\temails", "create\tflow\topenai", "create\turlgroup\torders",
    ]  # fmt: skip
    assert "error: create schedule fan: QStash refused" in failed.err
    assert "3 of 5 changes are done" in failed.err
    assert "not done: create schedule fan, create schedule nightly" in failed.err
    assert (refused.code, "nothing was changed" in refused.err) == (1, True), refused
    assert local("apply", "-f", path, "--yes").code == 0
    assert local("plan", "-f", path, "--check").code == 0


def test_an_existing_schedule_with_the_same_id_is_taken_over(
    local: Qstash, write: Callable[[str], str]
) -> None:
    local("schedule", "create", URL, "--cron", "@daily", "--id", "s", "--label", "mine")
    path = write(f'[schedules.s]\ndestination = "{URL}"\ncron = "@daily"\nlabel = "mine"\n')

    planned = local("plan", "-f", path)
    local("apply", "-f", path, "--yes")

    assert "~ schedule s (taken over: not created by a manifest)\n" in planned.out
    assert local("schedule", "get", "s").json["labels"] == ["mine", "managed-by-qstash-cli"]
    assert local("plan", "-f", path, "--check").code == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((("a", ""),), (("a", "x"),)),
        ((("a", "x"),), (("a", ""),)),
        ((("a", "x"),), (("b", "x"),)),
        ((("a", "x"), ("b", "y")), (("b", "x"), ("a", "y"))),
        ((("a", "x"),), (("b", "x"), ("a", ""))),
        ((("a", "x"), ("a", "y"), ("b", "")), (("a", "y"), ("c", ""))),
        ((("a", ""), ("b", "")), (("c", ""),)),
    ],
)
def test_endpoints_are_replaced_by_those_of_the_manifest_and_headers_are_kept(
    local: Qstash,
    write: Callable[[str], str],
    before: tuple[tuple[str, str], ...],
    after: tuple[tuple[str, str], ...],
) -> None:
    def manifest(endpoints: tuple[tuple[str, str], ...]) -> str:
        items = [{"url": f"{URL}/{url}", "name": name} for url, name in endpoints]
        listed = ", ".join(f'{{url = "{i["url"]}", name = "{i["name"]}"}}' for i in items)
        return write(f"[urlgroups.g]\nendpoints = [{listed}]\nheaders = {{X-A = 'b'}}\n")

    assert local("apply", "-f", manifest(before), "--yes").code == 0
    assert local("apply", "-f", manifest(after), "--yes").code == 0

    group = local("urlgroup", "get", "g").json
    found = {(e["url"].removeprefix(f"{URL}/"), e.get("name", "")) for e in group["endpoints"]}
    assert found == set(after), json.dumps(group)
    assert group["headers"] == {"Upstash-Forward-X-A": ["b"]}
