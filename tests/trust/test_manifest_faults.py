"""Hostile manifests are refused with a clear error, and large ones are read in linear time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from qstash_cli.errors import BadInput
from qstash_cli.manifest.schema import parse
from qstash_cli.manifest.validation import Validation
from tests.figures import Figures
from tests.in_process import Qstash
from tests.trust.growth import MAX_RATIO, growth

SCHEDULE = "[schedules.s]\ndestination = 'https://example.com'\ncron = '@daily'\n"
DEEP: dict[str, Callable[[int], str]] = {
    "arrays": lambda depth: f"x = {'[' * depth}{']' * depth}",
    "inline tables": lambda depth: f"x = {'{a=' * depth}1{'}' * depth}",
    "a dotted key": lambda depth: f"{'.'.join('a' * depth)} = 1",
    "a table's name": lambda depth: f"[{'.'.join('a' * depth)}]",
    "arrays of tables": lambda depth: f"[[{'.'.join('a' * depth)}]]",
    "a body": lambda depth: f"{SCHEDULE}body = {'[' * depth}1{']' * depth}",
    "a variable": lambda depth: f"{SCHEDULE}headers = {'[' * depth}'${{X}}'{']' * depth}",
    "arrays and tables": lambda depth: f"x = {'[{a=' * depth}1{'}]' * depth}",
}


def refusal(text: str) -> str:
    with pytest.raises(BadInput) as refused:
        parse(text.encode(), "qstash.toml", {}, Validation())
    return refused.value.message


@pytest.mark.parametrize("depth", [40, 300, 1_000, 3_000])
@pytest.mark.parametrize("kind", DEEP)
def test_deep_nesting_is_rejected(figures: Figures, kind: str, depth: int) -> None:
    figures("hostile manifests", cases=1)

    assert refusal(DEEP[kind](depth)) == ("qstash.toml is nested too deeply: more than 32 levels")


@pytest.mark.parametrize("kind", DEEP)
def test_allowed_nesting_is_rejected_by_key(kind: str) -> None:
    assert "nested" not in refusal(DEEP[kind](9))


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])
def test_a_nested_manifest_is_reported_by_the_command(
    qstash: Qstash, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "qstash.toml"
    file.write_text(DEEP["arrays"](300))

    run = qstash(*command, "-f", str(file), QSTASH_TOKEN="t", QSTASH_URL="http://127.0.0.1:9")

    assert run.code == 2, run
    assert "is nested too deeply" in run.err
    assert "nothing was sent" in run.err


def test_a_number_with_thousands_of_digits_is_rejected(figures: Figures) -> None:
    figures("hostile manifests", cases=1)

    message = refusal(f"{SCHEDULE}retries = {'9' * 5_000}")

    assert message == "qstash.toml has a number with too many digits"


LARGE: dict[str, Callable[[int], str]] = {
    "endpoints": lambda n: "[urlgroups.g]\nendpoints = [{}]".format(
        ",".join(f"{{url='https://e.com/{i}',name='n{i}'}}" for i in range(n))
    ),
    "schedules": lambda n: "".join(SCHEDULE.replace(".s]", f".s{i}]") for i in range(n)),
    "queues": lambda n: "".join(f"[queues.q{i}]\nparallelism = 2\n" for i in range(n)),
    "unknown keys": lambda n: SCHEDULE + "".join(f"k{i} = 1\n" for i in range(n)),
    "variables": lambda n: f"{SCHEDULE}body = '{'${A:-b}' * n}'",
    "a long body": lambda n: f"{SCHEDULE}body = '{'x' * n}'",
}


@pytest.mark.parametrize("kind", LARGE)
def test_run_time_is_linear_in_the_size_of_the_manifest(figures: Figures, kind: str) -> None:
    def read(text: str) -> None:
        with suppress(BadInput):
            parse(text.encode(), "f", {}, Validation())

    ratio = growth(LARGE[kind], read)

    figures("growth of manifests", cases=1, worst=f"{ratio:.1f}")
    assert ratio <= MAX_RATIO
