"""The labels that mark a schedule as managed by a manifest.

QStash does not return `redact` and the options of a callback's own delivery, and returns redacted
values as hashes. A second label contains a digest of these, so that changes are detected.
"""

from __future__ import annotations

from dataclasses import replace

from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions

MANAGED = "managed-by-qstash-cli"
_HIDDEN = "qstash-cli-hidden-"
_DIGITS = 12


def with_marks(options: MessageOptions, body: bytes) -> MessageOptions:
    """Returns the options with the labels of a managed schedule appended."""
    digest = hidden_digest(options, body)
    hidden = (f"{_HIDDEN}{digest}",) if digest else ()
    return replace(options, label=(*without_marks(options.label), MANAGED, *hidden))


def without_marks(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the user's own labels."""
    return tuple(label for label in labels if label != MANAGED and not label.startswith(_HIDDEN))


def digest_in(labels: tuple[str, ...]) -> str:
    """Returns the digest in a schedule's labels, empty if there isn't one."""
    return next((one.removeprefix(_HIDDEN) for one in labels if one.startswith(_HIDDEN)), "")


def hidden_digest(options: MessageOptions, body: bytes) -> str:
    """Returns a digest of the fields that QStash does not return, empty if none is set."""
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
