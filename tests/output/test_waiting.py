"""The spinner of a long wait, and the meter of a bulk operation."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from qstash_cli.output.meter import Measured, Meter
from qstash_cli.output.terminal import TerminalInfo
from qstash_cli.output.waiting import LiveLine
from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from tests.in_process import Qstash
from tests.polling import poll
from tests.stopping import stopped_later

_ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]|\r")


def plain(text: str) -> str:
    return _ESCAPES.sub("", text)


def test_a_long_wait_is_displayed_and_removed() -> None:
    err, live = io.StringIO(), LiveLine(displayed_after_s=0)

    with live.waiting("Waiting for GET /v2/\x1b]0;x\x07logs …", err, 80):
        poll(lambda: "Waiting for GET" in err.getvalue())

    assert r"Waiting for GET /v2/\x1b]0;x\x07logs …" in plain(err.getvalue())
    assert err.getvalue().endswith("\x1b[2K")
    assert err.getvalue().count("\x1b[?25l") == err.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupt_or_an_error_removes_it(error: type[BaseException]) -> None:
    err, live = io.StringIO(), LiveLine(displayed_after_s=0)

    def wait() -> None:
        with live.waiting("Waiting", err, 80):
            poll(lambda: "Waiting" in err.getvalue())
            raise error

    with pytest.raises(error):
        wait()

    assert err.getvalue().endswith("\x1b[2K")
    assert "\x1b[?25h" in err.getvalue()


def test_a_short_wait_writes_nothing_and_does_not_import_rich() -> None:
    script = (
        "import io, sys\n"
        "from qstash_cli.output.waiting import LiveLine\n"
        "err = io.StringIO()\n"
        "with LiveLine().waiting('Waiting', err, 80): pass\n"
        "assert not err.getvalue()\n"
        "assert 'rich' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603 - our own interpreter


@pytest.mark.usefixtures("all_stopped")
def test_the_line_of_another_display_is_left_alone() -> None:
    err, live = io.StringIO(), LiveLine(displayed_after_s=0)
    before = set(threading.enumerate())

    with live.taken(), live.waiting("Waiting", err, 80):
        assert set(threading.enumerate()) <= before

    assert err.getvalue() == ""


# Requests


@pytest.fixture
def slow(qstash: Qstash) -> Iterator[tuple[LocalEndpoint, threading.Event]]:
    """A QStash that responds when an event is set."""
    may_respond = threading.Event()

    def respond(_request: Received) -> tuple[int, bytes]:
        may_respond.wait(60)
        return 200, b'{"logs": []}'

    with stopped_later(running_endpoint(respond)) as api:
        qstash.env |= {"QSTASH_URL": api.url, "QSTASH_TOKEN": "t"}
        yield api, may_respond


def test_a_slow_request_displays_what_it_waits_for(
    qstash: Qstash, slow: tuple[LocalEndpoint, threading.Event]
) -> None:
    started = qstash.invocation(tty=True)

    def release() -> None:
        poll(lambda: "Waiting" in started.err.getvalue())
        slow[1].set()

    helper = threading.Thread(target=release)
    helper.start()
    run = started.run("logs")
    helper.join()

    assert run.code == 0
    assert "Waiting for GET /v2/logs …" in plain(run.err)
    assert run.err.endswith("\x1b[2K")


@pytest.mark.usefixtures("all_stopped")
@pytest.mark.parametrize(
    ("tty", "env"), [(False, {}), (True, {"NO_COLOR": "1"}), (True, {"TERM": "dumb"})]
)
def test_nothing_is_displayed_off_a_terminal_or_on_a_plain_one(
    qstash: Qstash, *, tty: bool, env: dict[str, str]
) -> None:
    qstash.env |= env
    invocation = qstash.invocation(tty=tty)
    before = set(threading.enumerate())

    with invocation.ctx.waiting("Waiting"):
        assert set(threading.enumerate()) <= before

    assert invocation.err.getvalue() == ""


# Meters


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (Measured(done=1200, total=2000), "1,200 of 2,000 entries, 120/s, 60%, 7s left"),
        (Measured(done=50), "50 entries, 5/s"),
        (Measured(done=0, total=9), "0 of 9 entries, 0/s"),
        (Measured(done=9, total=9), "9 of 9 entries, 1/s, 100%, 0s left"),
        (Measured(done=50, parts=300, total_parts=400), "50 entries, 5/s, 75%, 3s left"),
        # An earlier run did the first half.
        (
            Measured(done=50, parts=300, total_parts=400, parts_before=200, refused=2),
            "50 entries, 5/s, 75%, 10s left, 2 refused",
        ),
    ],
)
def test_progress_has_a_count_a_rate_a_percentage_and_the_time_left(
    measured: Measured, text: str
) -> None:
    assert measured.text("entries", passed_s=10) == text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_meter_fits_its_terminal_and_leaves_nothing(terminal: TerminalInfo, width: int) -> None:
    err = io.StringIO()
    meter = Meter(
        terminal._replace(colour=True, width=width), err, nouns="entries deleted", now=lambda: 0.0
    )

    with meter.displayed():
        meter.update(Measured(done=1200, total=2000))

    drawn = [one for part in err.getvalue().split("\r") for one in plain(part).splitlines()]
    assert all(len(one.rstrip()) <= width for one in drawn)
    assert any("1,200 of 2,000" in one for one in drawn)
    assert any("━" in one for one in drawn) == (width > 40)
    assert err.getvalue().endswith("\x1b[2K")


def test_off_a_terminal_a_meter_writes_lines_only_if_they_are_wanted(
    terminal: TerminalInfo,
) -> None:
    clock = iter(range(0, 60, 3))
    pipe = terminal._replace(is_terminal=False, colour=False)
    silent, spoken = io.StringIO(), io.StringIO()

    for err, has_lines in ((silent, False), (spoken, True)):
        meter = Meter(pipe, err, nouns="records", now=lambda: next(clock), has_lines=has_lines)
        with meter.displayed():
            for done in (10, 20, 30):
                meter.update(Measured(done=done, parts=done, total_parts=100))

    assert silent.getvalue() == ""
    assert spoken.getvalue() == "20 records, 3/s, 20%, 24s left\n"
