"""The reference of message options: one row for each field of `MessageOptions`."""

from __future__ import annotations

from docs.generate.markdown import code, page, prose, table
from qstash_cli.manifest.options import callback_keys, own_keys
from qstash_cli.protocol.options import CALLBACK_FAMILIES, Option, flag_name
from qstash_cli.protocol.options import table as option_table

# The commands whose flags are the options of an operation.
_COMMANDS = {
    "publish": "publish",
    "batch": "batch",
    "schedule": "schedule create",
    "dlq_retry": "dlq retry",
}
_PREFIX = "Upstash-"


def message_options() -> str:
    """Returns the page."""
    keys = {name: key for key, (name, _) in own_keys().items()}
    rows = [_row(name, option, keys.get(name, "")) for name, option in option_table()]
    of_callbacks = {name: key for key, (name, _) in callback_keys().items()}
    families = [
        _callback_row(name, option, of_callbacks[name])
        for name, option in option_table()
        if option.callback
    ]
    return page(
        "Message options",
        "Find the flag, header, batch key or manifest key of an option, and translate one into "
        "another.",
        "In a batch file, the options of a record are keys of its `headers`; `queue` is a key of "
        "the record itself. An empty cell means that the option does not exist there. In the JSON "
        "of messages and log entries, `retries` is called `maxRetries`.",
        table(
            ("Meaning", "Flag", "Header, batch key", "Manifest key", "JSON of QStash", "Commands"),
            rows,
        ),
        "## Delivery of callbacks",
        "A callback is delivered with options of its own. In a manifest, they are keys of the "
        "`callback` or `failure_callback` table. They also take headers: "
        + " and ".join(code(f"--{one.prefix}-header") for one in CALLBACK_FAMILIES)
        + ".",
        table(
            (
                "Meaning",
                *(f"Flag for a {one.prefix.replace('-', ' ')}" for one in CALLBACK_FAMILIES),
                "Header",
                "Manifest key",
            ),
            families,
        ),
    )


def _row(name: str, option: Option, key: str) -> tuple[str, ...]:
    uses = [command for operation, command in _COMMANDS.items() if operation in option.on]
    # Fields without an operation have no flag of their own name.
    flag = f"--{flag_name(name)} {option.kind.metavar}".strip() if option.on else ""
    return (
        prose(option.help),
        code(flag),
        code(_header(option, _PREFIX)),
        code(key),
        code(option.json),
        ", ".join(code(use) for use in uses),
    )


def _callback_row(name: str, option: Option, key: str) -> tuple[str, ...]:
    flags = (
        f"--{one.prefix}-{flag_name(name)} {option.kind.metavar}".strip()
        for one in CALLBACK_FAMILIES
    )
    return (
        prose(option.help),
        *(code(flag) for flag in flags),
        code(_header(option, f"{_PREFIX}Callback-")),
        code(key),
    )


def _header(option: Option, prefix: str) -> str:
    return f"{prefix}{option.header}{f': {option.part}=...' if option.part else ''}"
