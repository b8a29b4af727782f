"""When a failed delivery is tried again. Source: QStash docs, "Retry"."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC

from qstash_cli.errors import BadInput

LONGEST_MS = 86_400_000
DEFAULT_RETRIES = 3

# Guess: the docs name these headers without an order; the first one that can be read wins.
STEERING_HEADERS = (
    "retry-after",
    "x-ratelimit-reset",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
)

_GO_UNITS_MS = {
    "ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3, "h": 3600e3,
}  # fmt: skip
_GO_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_MOST_CHARACTERS = 500
_HINT = (
    "milliseconds from numbers, + - * / % ( ), `retried` and "
    "pow sqrt abs exp floor ceil round min max, such as 1000*pow(2,retried)"
)
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "pow": math.pow, "sqrt": math.sqrt, "abs": abs, "exp": math.exp, "floor": math.floor,
    "ceil": math.ceil, "round": round, "min": min, "max": max,
}  # fmt: skip
_NODES = (
    ast.Expr, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name,
)  # fmt: skip
# The expression is parsed as Python, which knows comments, several statements and text, and prints
# warnings about some of them. Only the tokens of arithmetic reach its parser.
_ARITHMETIC = re.compile(
    r"(?:\s|[-+*/%(),]|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?(?![\w.])"
    rf"|(?:retried|{'|'.join(_FUNCTIONS)})(?![\w.]))+",
    re.ASCII | re.IGNORECASE,
)


def default_delay_ms(failures: int) -> int:
    """Milliseconds after the n-th failure without an expression: e^(2.5n) s, a day at most."""
    return round(min(LONGEST_MS, math.exp(min(2.5 * failures, 100)) * 1000))


def delay_ms(
    failures: int, expression: str | None, response_headers: Iterable[tuple[str, str]], now: float
) -> int:
    """Milliseconds to wait after the n-th failure of a message.

    The destination's own headers come first, then the message's expression, then the default.
    """
    steered = steered_delay_ms(response_headers, now)
    if steered is not None:
        return steered
    if expression is not None:
        evaluated = _evaluated_ms(expression, failures - 1)
        if evaluated is not None:
            return evaluated
    return default_delay_ms(failures)


def steered_delay_ms(response_headers: Iterable[tuple[str, str]], now: float) -> int | None:
    """The delay that a destination asked for in `Retry-After` or its kin, or None.

    A value is whole seconds, an HTTP date (RFC 9110 §10.2.3) or a Go duration such as `6m5s`;
    one of more than a day is ignored.
    """
    values = {name.lower(): value.strip() for name, value in response_headers}
    for name in STEERING_HEADERS:
        wait_ms = _steering_value_ms(values[name], now) if name in values else None
        if wait_ms is not None and wait_ms <= LONGEST_MS:
            return max(0, round(wait_ms))
    return None


def _steering_value_ms(text: str, now: float) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text) * 1000
    parts = _GO_PART.findall(text)
    if parts and "".join(count + unit for count, unit in parts) == text:
        return sum(float(count) * _GO_UNITS_MS[unit] for count, unit in parts)
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
    # Python's versions differ in what they raise for a date that no calendar has.
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now) * 1000


def validate_expression(text: str) -> str:
    """A retry delay expression, unchanged. Raises `BadInput` if it cannot be evaluated."""
    if len(text) > _MOST_CHARACTERS or not text.isprintable():
        raise BadInput(
            f"a retry delay has at most {_MOST_CHARACTERS} printable characters", hint=_HINT
        )
    try:
        _evaluate(text, 1)
    except (ArithmeticError, ValueError):
        return text
    except Exception:  # noqa: BLE001 - the evaluator has some twenty classes of error, and so does the parser
        raise BadInput(f"not a retry delay: {text!r}", hint=_HINT) from None
    return text


def _evaluated_ms(expression: str, retried: int) -> int | None:
    # Guess: what cannot be computed falls back to the default, and a negative delay is none.
    try:
        value = _evaluate(expression, retried)
    except Exception:  # noqa: BLE001 - how deep it may go depends on who calls
        return None
    return round(min(LONGEST_MS, max(0.0, value))) if math.isfinite(value) else None


def _evaluate(expression: str, retried: int) -> float:
    import operator

    from simpleeval import SimpleEval

    if not _ARITHMETIC.fullmatch(expression):
        raise BadInput(f"not arithmetic: {expression!r}")
    evaluator = SimpleEval(
        operators={
            ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
            ast.Div: operator.truediv, ast.Mod: operator.mod, ast.USub: operator.neg,
            ast.UAdd: operator.pos,
        },
        functions=_FUNCTIONS,
        names={"retried": float(retried)},
    )  # fmt: skip
    evaluator.nodes = {kind: evaluator.nodes[kind] for kind in _NODES}
    evaluator.nodes[ast.Constant] = _number
    return float(evaluator.eval(expression))


def _number(node: ast.Constant) -> float:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise BadInput(f"not a number: {node.value!r}")
    return float(node.value)
