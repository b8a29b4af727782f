"""Whether a handler with the configured signing keys would accept a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qstash_cli.client.api import keys
from qstash_cli.errors import QstashError
from qstash_cli.output.blocks import Block, Headline, Labelled, Paragraph, Section

if TYPE_CHECKING:
    from qstash_cli.cli.context import Context
    from qstash_cli.config.signing_keys import ConfiguredKeys
    from qstash_cli.protocol.delivery import Delivery
    from qstash_cli.protocol.records import SigningKeys
    from qstash_cli.protocol.signature import SignatureReport


def signature_blocks(ctx: Context, delivery: Delivery | str) -> Iterator[Block]:
    """Yields the blocks of the section; a string is the reason why there is no delivery.

    QStash does not store signatures, so this signs the stored URL and body with the account's
    current key, and verifies the result with the configured keys.
    """
    yield Section("Signature", "computed now; QStash does not store signatures")
    if isinstance(delivery, str):
        yield Headline("UNCHECKED", f"{delivery}, so its signature cannot be computed", "unknown")
        return
    try:
        configured = ctx.config.signing_keys
        if not (configured.current or configured.next):
            yield Headline("UNCHECKED", "no signing key is configured", "unknown")
            yield Labelled(
                (("fix", "set QSTASH_CURRENT_SIGNING_KEY; `qstash keys get` prints it"),)
            )
            return
        account = keys.validated(ctx.read(keys.get()))
    except QstashError as error:
        yield Headline("UNCHECKED", "the signing keys of the account cannot be read", "unknown")
        yield Paragraph(error.message)
        return
    yield from _verdict(_report(ctx, delivery, account, configured), configured.source)


def _report(
    ctx: Context, delivery: Delivery, account: SigningKeys, configured: ConfiguredKeys
) -> SignatureReport:
    from qstash_cli.protocol.claim_checks import Expectation
    from qstash_cli.protocol.signature import sign, verify

    now = ctx.system.now()
    token = sign(
        account["current"],
        url=delivery.url,
        body=delivery.body,
        now=now,
        token_id=ctx.new_id("jwt"),
    )
    pairs = (("current", configured.current), ("next", configured.next))
    return verify(
        token,
        Expectation(
            keys=tuple((name, key) for name, key in pairs if key),
            url=delivery.url,
            body=delivery.body,
            now=now,
            uses_system_clock=False,
        ),
    )


def _verdict(report: SignatureReport, source: str) -> Iterator[Block]:
    if report.valid:
        yield Headline("VALID", f"accepted with the {report.key} key, from {source}")
        return
    yield Headline("INVALID", f"the keys from {source} are not those of this account")
    yield Labelled((("fix", "`qstash keys get` prints the keys that verify this message"),))
