from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.manifest.problems import Problems
from qstash_cli.manifest.variables import Substitution, escaped

ENV = {"NAME": "ada", "EMPTY": "", "API_TOKEN": "hunter2", "SHORT_KEY": "k"}


def substitution() -> Substitution:
    return Substitution(ENV, Problems("qstash.toml"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NAME}", "ada"),
        ("a ${NAME} b ${NAME}", "a ada b ada"),
        ("${NAME:-bob}", "ada"),
        ("${MISSING:-bob}", "bob"),
        ("${MISSING:-}", ""),
        ("${EMPTY:-bob}", "bob"),
        ("${EMPTY}", ""),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("$NAME $ $$ {NAME}", "$NAME $ $$ {NAME}"),
        ("${MISSING:-http://x:1/a-b}", "http://x:1/a-b"),
    ],
)
def test_variables_are_substituted_in_strings(text: str, expected: str) -> None:
    made = substitution()

    assert made.of({"a": [text, 3, {"b": text}]}) == {"a": [expected, 3, {"b": expected}]}
    assert made.problems.found == []


@pytest.mark.parametrize("text", ["${MISSING}", "${}", "${1}", "${NAME", "${NA ME}", "${NAME-x}"])
def test_an_unknown_variable_is_a_problem_of_its_key(text: str) -> None:
    made = substitution()

    made.of({"queues": {"a": {"parallelism": text}}})

    assert [problem.path for problem in made.problems.found] == [("queues", "a", "parallelism")]


def test_secret_values_and_their_keys_are_recorded() -> None:
    made = substitution()

    made.of({"a": {"Body": "${API_TOKEN}", "c": ["${SHORT_KEY}"], "d": "${NAME}"}})

    assert made.secrets == {"hunter2"}
    assert made.secret_paths == {("a", "body"), ("a", "c")}


@given(st.text(alphabet="${}:-aN", max_size=12))
def test_escaping_is_reversible(text: str) -> None:
    made = substitution()

    assert made.of(escaped({"k": [text]})) == {"k": [text]}
    assert made.problems.found == []
