"""The pytest plugin in runs of pytest, as applications use it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/testing.md").read_text()
EXAMPLE = ROOT / "examples" / "flask-tests"
# Plugins of our own test environment, which take seconds to import.
WITHOUT = ("-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:cacheprovider")
SUITE = """
import os

import pytest
from qstash import QStash


def publish(url, body):
    return QStash(os.environ["QSTASH_TOKEN"]).message.publish_json(url=url, body=body, delay="1h")


@pytest.mark.parametrize("number", range(4))
def test_each_test_has_its_own_data_and_time(qstash, qstash_sink, number):
    assert os.environ["QSTASH_URL"] == qstash.url
    assert os.environ["QSTASH_CURRENT_SIGNING_KEY"] == qstash.current_signing_key
    assert "QSTASH_REGION" not in os.environ
    publish(f"{qstash_sink.url}/{number}", {"number": number})
    qstash.assert_delivered(body={"number": number}, times=1, within="1h")
    assert [one.path for one in qstash_sink.received] == [f"/{number}"]


def test_the_variables_are_those_of_before_without_the_fixture():
    assert os.environ["QSTASH_REGION"] == "EU_CENTRAL_1"
    assert "QSTASH_URL" not in os.environ


def test_a_failure_has_the_timeline_and_no_frames_of_the_plugin(qstash, qstash_sink):
    publish(f"{qstash_sink.url}/orders", {"id": 1})
    qstash.assert_delivered("/orders", times=1, within="59m")


@pytest.fixture
def app(qstash_session):
    return qstash_session


def test_a_server_of_the_session_keeps_its_data(app, qstash_sink):
    publish(qstash_sink.url, 1)
    app.assert_delivered(times=1, within="1h")


def test_a_server_of_the_session_has_data_of_other_tests(app, qstash_sink):
    publish(qstash_sink.url, 2)
    app.assert_delivered(body=2, times=1, within="1h")
"""


def run_pytest(folder: Path, *argv: str, before: str = "pass") -> subprocess.CompletedProcess[str]:
    """Runs pytest in a folder after a statement, and prints its CPU time in seconds."""
    code = (
        f"import pytest, sys, time; {before}; start = time.process_time(); "
        "code = pytest.main(sys.argv[1:]); print('cpu', time.process_time() - start); "
        "sys.exit(code)"
    )
    return subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", code, *WITHOUT, *argv, "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_tests_of_the_guide_and_others_are_isolated_in_parallel_runs(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)):
        (tmp_path / f"test_guide_{number}.py").write_text(block)

    run = run_pytest(
        tmp_path, "-n", "2", before="import os; os.environ['QSTASH_REGION'] = 'EU_CENTRAL_1'"
    )

    assert "1 failed, 11 passed" in run.stdout, run.stdout
    assert "AssertionError: Expected 1 delivery to /orders, but there was none." in run.stdout
    assert "0 of 4 attempts so far, next in 1 min" in run.stdout
    assert "local_qstash.py" not in run.stdout


def test_the_example_tests_an_app_without_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "flask-tests"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert "sleep" not in "".join(path.read_text() for path in folder.glob("*.py"))

    libraries = "import flask, qstash, qstash_cli.testing.local_qstash"
    run = run_pytest(folder, "-p", "no:xdist", "-p", "no:anyio", before=libraries)

    assert run.returncode == 0, run.stdout
    assert "8 passed" in run.stdout
    cpu = re.search(r"^cpu (.*)$", run.stdout, re.MULTILINE)
    assert cpu is not None
    # Wall-clock time would depend on what else the machine does, and so does CPU time a little:
    # two seconds on a busy machine. A test that polls until its time has come takes far more.
    assert float(cpu[1]) < 8


def test_the_plugin_imports_nothing_until_a_fixture_is_used() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import qstash_cli.testing.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own Python

    assert found.stdout.split() == [
        "qstash_cli",
        "qstash_cli.testing",
        "qstash_cli.testing.plugin",
    ]


def test_loading_the_plugin_takes_milliseconds() -> None:
    best_s = min(_import_s() for _ in range(3))

    # It takes 2 ms; to import the server as well would take a tenth of a second or more.
    assert best_s < 0.015


def _import_s() -> float:
    """Returns the CPU time of the import, in an interpreter that has imported pytest."""
    code = (
        "import pytest, time; start = time.process_time(); import qstash_cli.testing.plugin; "
        "print(time.process_time() - start)"
    )
    found = subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return float(found.stdout)
