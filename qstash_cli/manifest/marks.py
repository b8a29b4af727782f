"""The labels that mark a schedule as managed by a manifest.

QStash shows neither `redact` nor the options of a callback's own delivery, and redacted values are
hashes. A second label holds a digest of these, so that a change of them is seen.
"""

from __future__ import annotations

from dataclasses import replace

from qstash_cli.protocol.options import MessageOptions, encode

MANAGED = "managed-by-qstash-cli"
_HIDDEN = "qstash-cli-hidden-"
_DIGITS = 12


def with_marks(options: MessageOptions, body: bytes) -> MessageOptions:
    """The options with the labels of a managed schedule, behind its own."""
    digest = hidden_digest(options, body)
    hidden = (f"{_HIDDEN}{digest}",) if digest else ()
    return replace(options, label=(*without_marks(options.label), MANAGED, *hidden))


def without_marks(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that are the user's own."""
    return tuple(label for label in labels if label != MANAGED and not label.startswith(_HIDDEN))


def digest_in(labels: tuple[str, ...]) -> str:
    """The digest that a schedule's labels hold, empty if they hold none."""
    return next((one.removeprefix(_HIDDEN) for one in labels if one.startswith(_HIDDEN)), "")


def hidden_digest(options: MessageOptions, body: bytes) -> str:
    """A digest of all that QStash does not show of a schedule, empty if there is nothing."""
    import hashlib

    hidden = MessageOptions(
        redact=options.redact,
        headers=options.headers if options.redact else (),
        on_callback=options.on_callback if options.callback else None,
        on_failure_callback=options.on_failure_callback if options.failure_callback else None,
    )
    if hidden == MessageOptions():
        return ""
    lines = sorted(f"{name.lower()}: {value}" for name, value in encode(hidden))
    text = "\n".join(lines).encode() + b"\n\n" + (body if options.redact else b"")
    return hashlib.sha256(text).hexdigest()[:_DIGITS]
