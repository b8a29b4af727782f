"""Trace context of a message: the headers `traceparent` and `tracestate`.

Source: W3C Recommendation "Trace Context", 23 November 2021, sections 3.2 and 3.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from qstash_cli.protocol.headers import Headers

# Later versions may add fields after the flags.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KEY = r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
_MEMBER = re.compile(
    rf"({_KEY})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_MAX_MEMBERS = 32
_SAMPLED = 0x01
# The `tracestate` member that `--trace` adds: the id of its span, then its parent's id, if any.
_OUR_PREFIX = "qstash="
_OUR_MEMBER = re.compile(rf"{_OUR_PREFIX}([0-9a-f]{{16}})(?:-([0-9a-f]{{16}}))?")


class TraceContext(NamedTuple):
    """A position in a trace: ids in lower-case hex, and the members of `tracestate`."""

    trace_id: str
    span_id: str
    is_sampled: bool = True
    state: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether `--trace` made the span id, so that no application exports its span.

        An application that continues the trace forwards our member with a span id of its own.
        """
        return self._our_member is not None

    @property
    def parent_id(self) -> str:
        """The span id of the parent of a span that `--trace` made; empty without a parent."""
        found = self._our_member
        return (found[2] or "") if found else ""

    @property
    def _our_member(self) -> re.Match[str] | None:
        found = _OUR_MEMBER.fullmatch(self.state[0]) if self.state else None
        return found if found and found[1] == self.span_id else None

    def headers(self) -> Headers:
        """Returns the headers that carry the context."""
        flags = "01" if self.is_sampled else "00"
        found = (("Traceparent", f"00-{self.trace_id}-{self.span_id}-{flags}"),)
        return (*found, ("Tracestate", ",".join(self.state))) if self.state else found


def parse(traceparent: str, tracestate: str = "") -> TraceContext | None:
    """Returns the context of two header values, or None if `traceparent` is invalid.

    An invalid `tracestate` is discarded, as the recommendation says.
    """
    found = _TRACEPARENT.fullmatch(traceparent.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED), _members(tracestate))


def start(traceparent: str, tracestate: str, random_bytes: Callable[[int], bytes]) -> TraceContext:
    """Returns the context of a new span: a child of the given context, or the root of a new trace.

    `random_bytes(n)` returns n random bytes. An invalid `traceparent` starts a new trace.
    """
    parent = parse(traceparent, tracestate)
    span_id = _id(8, random_bytes)
    if parent is None:
        return TraceContext(_id(16, random_bytes), span_id, state=(f"{_OUR_PREFIX}{span_id}",))
    others = [one for one in parent.state if not one.startswith(_OUR_PREFIX)]
    state = (f"{_OUR_PREFIX}{span_id}-{parent.span_id}", *others)[:_MAX_MEMBERS]
    return parent._replace(span_id=span_id, state=state)


def _members(tracestate: str) -> tuple[str, ...]:
    members = [one.strip(" \t") for one in tracestate.split(",")]
    members = [one for one in members if one]
    matches = [_MEMBER.fullmatch(one) for one in members]
    keys = {found[1] for found in matches if found}
    is_valid = len(keys) == len(members) <= _MAX_MEMBERS
    return tuple(members) if is_valid else ()


def _id(size_bytes: int, random_bytes: Callable[[int], bytes]) -> str:
    while True:
        found = random_bytes(size_bytes)
        if any(found):
            return found.hex()
