from __future__ import annotations

from collections.abc import Callable

from tests.in_process import Qstash
from tests.sink import Sink


def test_a_key_is_pinned_paused_resumed_and_unpinned(
    local: Qstash, sink: Sink, eventually: Callable[..., object]
) -> None:
    assert (
        local("flow", "pin", "a b/c", "--parallelism", "5", "--rate", "9", "--period", "1m").code
        == 0
    )
    assert local("flow", "pause", "a b/c").out == "a b/c\n"
    message_id = local("publish", sink.url, "--flow-key", "a b/c", "--rate", "1").out.strip()

    listed = local("flow", "list", "--columns", "key,parallelism,rate,period,paused,pinned")
    assert listed.out == "a b/c\t0/5\t0/9\t60\ttrue\tparallelism,rate\n"
    assert sink.received == []
    assert local("flow", "resume", "a b/c").code == 0
    assert local("message", "wait", message_id).code == 0
    assert local("flow", "unpin", "a b/c", "--rate").code == 0
    shown = local("flow", "get", "a b/c").json
    assert (shown["isPinnedParallelism"], shown["isPinnedRate"]) == (True, False)
    assert local("flow", "reset", "a b/c").code == 0
    # A delivery is in the log before it is no longer counted.
    eventually(lambda: local("flow", "global").out == "0\t100\n")


def test_invalid_options_are_reported(local: Qstash) -> None:
    assert local("flow", "get", "nobody").code == 4
    assert local("flow", "get", "").code == 2
    assert local("flow", "pin", "k").code == 2
