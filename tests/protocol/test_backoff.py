"""The delay before the next attempt."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.errors import BadInput
from qstash_cli.protocol import backoff

NOW = 1_445_412_420.0  # Wed, 21 Oct 2015 07:27:00 GMT


@pytest.mark.parametrize(
    ("failures", "milliseconds"),
    [(1, 12_182), (2, 148_413), (3, 1_808_042), (4, 22_026_466), (5, 86_400_000)],
)
def test_the_default_curve_is_the_documented_one(failures: int, milliseconds: int) -> None:
    assert backoff.delay_ms(failures, None, [], NOW) == milliseconds


@pytest.mark.parametrize(
    ("expression", "failures", "milliseconds"),
    [
        ("1000", 1, 1000),
        ("1000*retried", 1, 0),
        ("1000 * (1 + retried)", 3, 3000),
        ("pow(2, retried) * 100", 4, 800),
        ("min(500, exp(10))", 1, 500),
        ("max(1, sqrt(16), abs(-3), floor(2.9), ceil(1.1), round(1.4))", 1, 4),
        ("-5", 1, 0),
        ("1000/retried", 1, 12_182),
        ("exp(10000)", 1, 12_182),
        ("sqrt(retried-5)", 1, 12_182),
        ("1e300", 1, 86_400_000),
    ],
)
def test_an_expression_evaluates_to_milliseconds(
    expression: str, failures: int, milliseconds: int
) -> None:
    assert backoff.validate_expression(expression) == expression
    assert backoff.delay_ms(failures, expression, [], NOW) == milliseconds


@pytest.mark.parametrize(
    "expression",
    [
        "", "ten", "1 +", "retried.real", "__import__('os')", "'a'*9", "[1]", "1 if retried else 2",
        "2**9", "pow(2)", "random()", "lambda: 1", "True", "1;2", "1 < 2", "9" * 501, "((((",
        "x := 3", "pow", "f'{1}'", "pow(x=1)", "1_000 if 1 else 0", "\0", "1000#2", "0x10", "1j",
        "1if 1else 2", "'\\d'", "1;", ";1", "1 is 1", "\\", "1\\",
    ],
)  # fmt: skip
def test_an_invalid_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadInput, match="retry delay"):
        checked_without_warning(expression)


def checked_without_warning(expression: str) -> str:
    """Validates with warnings printed to standard error, as in production."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            return backoff.validate_expression(expression)
        finally:
            assert not given, [str(one.message) for one in given]


@given(st.text(max_size=40) | st.text(alphabet="012if_;#'\\\"=xor is()[]e", max_size=40))
def test_invalid_expressions_print_no_warnings(expression: str) -> None:
    try:
        accepted = checked_without_warning(expression)
    except BadInput:
        return

    assert not set(accepted) & set(";#'\"\\=[]")


@given(st.text(alphabet="0123456789.+-*/%(), retidpowsqabx", max_size=60))
def test_a_valid_expression_always_gives_a_delay_of_at_most_a_day(expression: str) -> None:
    try:
        backoff.validate_expression(expression)
    except BadInput:
        return

    assert all(0 <= backoff.delay_ms(n, expression, [], NOW) <= 86_400_000 for n in range(1, 5))


@pytest.mark.parametrize(
    ("headers", "milliseconds"),
    [
        ([("Retry-After", "0")], 0),
        ([("Retry-After", "30")], 30_000),
        ([("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], 60_000),
        ([("X-RateLimit-Reset", "6m5s")], 365_000),
        ([("X-RateLimit-Reset-Tokens", "1.5ms")], 2),
        ([("X-RateLimit-Reset-Requests", "7"), ("Retry-After", "3")], 3000),
        ([("Retry-After", "soon"), ("X-RateLimit-Reset", "9")], 9000),
        ([("Retry-After", "90000")], 50),
        ([("X-RateLimit-Reset", "1445412420")], 50),
        ([("Retry-After", "")], 50),
    ],
)
def test_the_destination_can_set_a_delay_of_up_to_a_day(
    headers: list[tuple[str, str]], milliseconds: int
) -> None:
    assert backoff.delay_ms(1, "50", headers, NOW) == milliseconds
