"""`dlq retry` and `dlq delete` of many entries: a hundred ids to a request, or page by page."""

from __future__ import annotations

from tests.commands.api_server import Answers
from tests.commands.test_cancel import scripted, sent
from tests.commands.test_dlq import bury
from tests.conftest import Qstash, Sink

# Delete


def test_several_entries_are_deleted_in_one_request(local: Qstash, sink: Sink) -> None:
    ids = [bury(local, sink) for _ in range(3)]

    run = local("dlq", "delete", *ids, "--verbose")

    assert (run.code, run.out) == (0, "3\n"), run
    assert run.err.count("> DELETE ") == 1
    assert local("dlq", "list").out == ""


def test_deletes_go_a_hundred_ids_to_a_request(qstash: Qstash) -> None:
    ids = [f"1725323658779-{number}" for number in range(101)]
    with scripted(qstash, {("DELETE", "/v2/dlq"): (200, {"deleted": 100})}) as api:
        qstash("dlq", "delete", *ids)

    assert [pair for query in sent(api) for pair in query] == [("dlqIds", one) for one in ids]
    assert [len(query) for query in sent(api)] == [100, 1]


def test_entries_that_were_not_deleted_are_counted(local: Qstash, sink: Sink) -> None:
    first, second = bury(local, sink), bury(local, sink)
    local("dlq", "delete", first)

    run = local("dlq", "delete", first, second)
    again = local("dlq", "delete", first, second)

    assert (run.code, run.out) == (10, "1\n")
    assert "error: 1 of 2 entries was deleted" in run.err
    assert "QStash does not say which" in run.err
    assert (again.code, again.out) == (4, "0\n")


def test_the_question_names_the_entries_and_their_number(local: Qstash, sink: Sink) -> None:
    bury(local, sink, "--label", "x")
    where = f"on {local.env['QSTASH_URL']} (QSTASH_TOKEN)"

    one = local("dlq", "delete", "--label", "x", tty=True, stdin=b"n\n")
    none = local("dlq", "retry", "--status", "404", tty=True, stdin=b"n\n")

    assert f"Delete 1 DLQ entry with label=x {where}? [y/N]" in one.err
    assert f"Retry 0 DLQ entries with responseStatus=404 {where}? [y/N]" in none.err
    assert local("dlq", "list", "-q").out.count("\n") == 1


def test_the_question_says_where_there_are_more_than_a_page(qstash: Qstash) -> None:
    page = {"messages": [{"dlqId": f"1-{number}"} for number in range(100)], "cursor": "1-99"}
    answers: Answers = {("GET", "/v2/dlq"): (200, page)}
    with scripted(qstash, answers) as api:
        run = qstash("dlq", "delete", "--all", tty=True, stdin=b"\n")

    assert run.code == 130
    assert "Delete more than 100 DLQ entries on http" in run.err
    assert sent(api) == []
