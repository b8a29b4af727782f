from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import plain_http
from tests.e2e.conftest import QSTASH, Dev, plain_environment, run
from tests.sink import Sink

StartDev = Callable[..., Dev]
Eventually = Callable[..., object]


def test_the_printed_variables_connect_commands_to_the_server(
    start_dev: StartDev, sink: Sink
) -> None:
    dev = start_dev("--port", "0")

    published = dev.qstash("publish", f"{sink.url}/path", "k=v", "--wait")
    logs = dev.qstash("logs", "--columns", "state")

    assert published.returncode == 0, published.stderr
    assert published.stdout.startswith("msg_")
    assert published.stdout.count("\n") == 1
    assert published.stderr.startswith("Delivered: 200 after 1 attempt, ")
    assert logs.stdout.split() == ["DELIVERED", "ACTIVE", "CREATED"]
    assert sink.received[0].body == b'{"k":"v"}'


def test_a_failed_message_is_retried_then_in_the_dlq_then_replayed(
    start_dev: StartDev, sink: Sink
) -> None:
    dev = start_dev("--port", "0")
    sink.statuses = [500]

    lost = dev.qstash(
        "publish", sink.url, "k=v", "--retries", "2", "--retry-delay", "100", "--wait"
    )

    assert lost.returncode == 8, lost.stderr
    assert [r.header("upstash-retried") for r in sink.received] == ["0", "1", "2"]
    states = dev.qstash("logs", "--columns", "state").stdout.split()
    assert states[::-1] == [
        "CREATED", *["ACTIVE", "ERROR", "RETRY"] * 2, "ACTIVE", "ERROR", "FAILED",
    ]  # fmt: skip
    (dlq_id,) = dev.qstash("dlq", "list", "-q").stdout.split()
    sink.statuses = [200]
    retried = dev.qstash("dlq", "retry", dlq_id, "--wait")
    assert retried.returncode == 0, retried.stderr
    assert retried.stdout.startswith("msg_")
    assert retried.stdout != lost.stdout
    assert len(sink.received) == 4
    assert dev.qstash("dlq", "list").stdout == ""


def test_acknowledged_messages_survive_five_kills(
    start_dev: StartDev, sink: Sink, tmp_path: Path, eventually: Eventually
) -> None:

    sink.statuses = [200, 500, 200] * 400 + [200]
    acknowledged: list[str] = []
    arguments = ("--db", str(tmp_path / "qstash.db"), "--port", "0")

    def publish(dev: Dev, number: int) -> None:
        headers = {
            "Authorization": f"Bearer {dev.env['QSTASH_TOKEN']}",
            "Upstash-Retries": str(number % 3),
            "Upstash-Retry-Delay": "50",
        }
        response = client.post(f"{dev.url}/v2/publish/{sink.url}/{number}", headers=headers)
        acknowledged.append(response.json()["messageId"])

    def reached(count: int) -> Callable[[], object]:
        return lambda: len(acknowledged) >= count

    with plain_http.Client(trust_env=False) as client:
        for kill in range(5):
            dev = start_dev(*arguments)
            with ThreadPoolExecutor(8) as pool:
                pending = [pool.submit(publish, dev, kill * 250 + n) for n in range(250)]
                eventually(reached(kill * 200 + 200), within_s=60)
                dev.process.send_signal(signal.SIGKILL)
                dev.process.wait()
                for one in pending:
                    one.exception()
    assert len(acknowledged) >= 1000
    dev = start_dev(*arguments)

    def lost() -> set[str]:
        ends = dev.qstash("logs", "--state", "delivered", "--state", "failed", "--all", "-q")
        return set(acknowledged) - set(ends.stdout.split())

    eventually(lambda: not lost(), within_s=120)
    buried = set(dev.qstash("dlq", "list", "--all", "--columns", "messageId").stdout.split())
    arrived = {r.header("upstash-message-id") for r in sink.received}
    assert set(acknowledged) <= arrived | buried


def test_a_second_server_on_the_same_database_is_rejected(
    start_dev: StartDev, tmp_path: Path
) -> None:
    start_dev("--db", str(tmp_path / "f"), "--port", "0")

    second = run([*QSTASH, "dev", "--db", str(tmp_path / "f"), "--port", "0"],
                 plain_environment(tmp_path))  # fmt: skip

    assert second.returncode == 1
    assert "hint: another `qstash dev` has it open" in second.stderr


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = run([*QSTASH, "dev", "--port", port], plain_environment(tmp_path))

    assert refused.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert "--port" in refused.stderr


def test_a_command_runs_against_a_private_server_and_sets_the_exit_code(tmp_path: Path) -> None:
    script = (
        "import os, urllib.request, sys\n"
        "request = urllib.request.Request(os.environ['QSTASH_URL'] + '/v2/keys',"
        " headers={'Authorization': 'Bearer ' + os.environ['QSTASH_TOKEN']})\n"
        "print(urllib.request.urlopen(request).read().decode())\n"
        "sys.exit(42)"
    )

    done = run([*QSTASH, "dev", "--", sys.executable, "-c", script], plain_environment(tmp_path))

    assert done.returncode == 42, done.stderr
    assert json.loads(done.stdout)["current"].startswith("sig_")


def test_ctrl_c_stops_the_server_without_an_error(start_dev: StartDev) -> None:
    dev = start_dev("--port", "0")

    dev.process.send_signal(signal.SIGINT)

    assert dev.process.wait(timeout=60) in {0, 130}


def test_speed_shortens_delays(start_dev: StartDev, sink: Sink) -> None:
    dev = start_dev("--port", "0", "--speed", "600")

    done = dev.qstash("publish", sink.url, "--delay", "10m", "--wait", "--wait-timeout", "2m")

    assert done.returncode == 0, done.stderr
    assert len(sink.received) == 1


def test_a_route_changes_the_target_but_not_the_signed_url(start_dev: StartDev, sink: Sink) -> None:
    dev = start_dev("--port", "0", "--route", f"https://app.example.com={sink.url}")

    done = dev.qstash("publish", "https://app.example.com/hook?a=1", "-d", "x", "--wait")

    assert done.returncode == 0, done.stderr
    assert sink.received[0].path == "/hook?a=1"
    verified = dev.qstash(
        "verify", "--signature", sink.received[0].header("upstash-signature"),
        "--body", "x", "--url", "https://app.example.com/hook?a=1",
    )  # fmt: skip
    assert verified.returncode == 0, verified.stdout


def test_a_closed_pipe_is_not_an_error(start_dev: StartDev, sink: Sink) -> None:
    dev = start_dev("--port", "0")
    for _ in range(3):
        dev.qstash("publish", sink.url, "--wait")

    done = subprocess.run(  # noqa: S602 - the pipe is the point
        f"{' '.join(QSTASH)} logs | head -n 1; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", env=dev.env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


def restore_ctrl_c() -> None:
    # Shells start background processes with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_following_the_log_prints_each_new_entry_once_in_order(
    start_dev: StartDev, sink: Sink
) -> None:
    dev = start_dev("--port", "0")
    dev.qstash("publish", sink.url, "before=1", "--wait")
    follower = subprocess.Popen(  # noqa: S603 - a command of the test, and no thread is running
        [*QSTASH, "logs", "--follow", "--since", "1h", "--columns", "state,messageId"],
        env=dev.env, stdout=subprocess.PIPE, text=True,
        preexec_fn=restore_ctrl_c,  # noqa: PLW1509 - no thread is running here
    )  # fmt: skip
    assert follower.stdout is not None
    try:
        first = [follower.stdout.readline() for _ in range(3)]
        message_id = dev.qstash("publish", sink.url, "after=1").stdout.strip()
        then = [follower.stdout.readline() for _ in range(3)]
        follower.send_signal(signal.SIGINT)
        rest = follower.communicate(timeout=60)[0]
    finally:
        follower.kill()
        follower.communicate()

    assert [line.split("\t")[0] for line in first] == ["CREATED", "ACTIVE", "DELIVERED"]
    assert then == [f"{state}\t{message_id}\n" for state in ("CREATED", "ACTIVE", "DELIVERED")]
    assert (rest, follower.returncode) == ("", 130)
