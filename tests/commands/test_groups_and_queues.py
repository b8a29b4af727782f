from __future__ import annotations

from tests.in_process import Qstash
from tests.sink import Sink


def test_a_group_is_created_published_to_and_deleted(local: Qstash, sink: Sink) -> None:
    local("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b")
    local("urlgroup", "add", "team", f"{sink.url}/c", "--name", "third")
    local("urlgroup", "headers", "team", "-H", "X-Team: blue", "-H", "Upstash-Retries: 1")

    run = local("publish", "team", "n:=1", "--wait")

    assert (run.code, run.out.count("msg_")) == (0, 3), run
    assert {r.header("x-team") for r in sink.received} == {"blue"}
    assert local("urlgroup", "list", "-q").out == "team\n"
    assert local("urlgroup", "remove", "team", "third", f"{sink.url}/a").code == 0
    assert local("urlgroup", "get", "team", "--query", "endpoints[].url").json == [f"{sink.url}/b"]
    assert local("urlgroup", "delete", "team").code == 2
    assert local("urlgroup", "delete", "team", "--yes").code == 0
    assert local("publish", "team").code == 4


def test_a_queue_is_set_paused_resumed_and_deleted(local: Qstash, sink: Sink) -> None:
    assert local("queue", "set", "orders", "--parallelism", "2").out == "orders\n"
    assert local("queue", "pause", "orders").code == 0
    message_id = local("publish", sink.url, "--queue", "orders").out.strip()

    shown = local("queue", "list", "--columns", "name,parallelism,lag,paused")

    assert shown.out == "orders\t2\t1\ttrue\n"
    local("queue", "resume", "orders")
    assert local("message", "wait", message_id).code == 0
    assert local("queue", "delete", "orders", "--yes").code == 0
    assert local("queue", "get", "orders").code == 4


def test_endpoints_need_a_scheme_and_a_public_host(qstash: Qstash) -> None:
    for url in ("example.com/a", "http://localhost:1/a"):
        run = qstash("urlgroup", "add", "team", url, QSTASH_TOKEN="t")
        assert (run.code, run.err.count("hint: ")) == (2, 1), run


def test_unresponsive_endpoints_of_a_group_are_listed(local: Qstash, sink: Sink) -> None:
    local("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b")
    assert local("urlgroup", "check", "team").code == 0
    local("urlgroup", "add", "team", "http://127.0.0.1:9/", "--name", "gone")

    run = local("urlgroup", "check", "team", "--columns", "url,name")

    assert run.code == 1
    assert run.out == "http://127.0.0.1:9/\tgone\n"
    assert "1 of 3 endpoints are dead" in run.err
    # A HEAD request is enough for endpoints that support it.
    assert {request.method for request in sink.received} == {"HEAD"}
    assert not any(request.header("authorization") for request in sink.received)


def test_an_endpoint_that_supports_only_get_is_responsive(local: Qstash, sink: Sink) -> None:
    local("urlgroup", "add", "team", sink.url)
    sink.statuses = [404, 200]

    assert local("urlgroup", "check", "team").code == 0
    assert [request.method for request in sink.received] == ["HEAD", "GET"]


def test_topic_is_an_alias_of_urlgroup(local: Qstash, sink: Sink) -> None:
    assert local("topic", "add", "team", sink.url).code == 0
    assert local("topic", "list", "-q").out == "team\n"
    assert "topic" not in local("--help").out.split()
