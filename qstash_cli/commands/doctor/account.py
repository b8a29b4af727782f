"""Checks the permissions and the region of the token."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qstash_cli.client.diagnostics import Measurement
from qstash_cli.client.request import Request
from qstash_cli.commands.common.token_regions import other_regions
from qstash_cli.commands.doctor.check import (
    DoctorCheck,
    failure,
    ok,
    skipped,
    warning,
)
from qstash_cli.config.signing_keys import ConfiguredKeys
from qstash_cli.config.sources import Source
from qstash_cli.config.urls import region_of
from qstash_cli.errors import ExitCode
from qstash_cli.protocol.records import SigningKeys

_REFUSED = ExitCode.CREDENTIALS
_NOT_ALLOWED = frozenset({401, 403})
# Every server rejects this request after checking the token, so nothing is published.
WRITE = Request[object](method="POST", path="/v2/publish/qstash-doctor://nowhere", repeatable=False)


def acceptance(response: Measurement, source: Source) -> DoctorCheck:
    """Checks whether QStash accepts the token."""
    if response.status in _NOT_ALLOWED:
        return failure(
            "authentication", f"the token of {source.token_from} is refused: {_words(response)}",
            "copy QSTASH_TOKEN from the console again, for this account and region", _REFUSED,
        )  # fmt: skip
    if response.status != 200:
        return warning(
            "authentication", f"cannot check: {response.status} {_words(response)}", "try again"
        )
    return ok("authentication", f"the token of {source.token_from} is accepted")


def region(
    source: Source,
    url: str,
    regions: Mapping[str, str],
    *,
    is_local: bool,
    is_refused: bool,
    ask: Callable[[str], Measurement],
) -> DoctorCheck:
    """Checks the region, and whether a rejected token belongs to another region.

    `ask` sends the token to a URL, which is always one of `regions`.
    """
    here = region_of(url, regions)
    if here is None:
        return skipped(
            "region", "the server is on this machine" if is_local else "not a host of QStash's"
        )
    if not is_refused:
        return ok("region", here)
    responses, name = other_regions(here, regions, ask)
    if name is not None:
        fix = _how_to_move(source, regions[name], name)
        return failure(
            "region", f"the token belongs to the region {name}, not to {here}", fix, _REFUSED
        )
    others_text = ", ".join(f"{n}: {a.error or _words(a)}" for n, a in responses.items())
    return warning("region", f"{here}; no other region accepts the token either ({others_text})")


def permissions(response: Measurement) -> DoctorCheck:
    """Checks whether the token has write permission, by the response to `WRITE`."""
    if response.status == 400:
        return ok("permissions", "the token may read and publish")
    # Assumption: a read-only token is rejected like an invalid one. This is not documented.
    if response.status in _NOT_ALLOWED:
        return warning(
            "permissions", "the token may read, but not publish or change anything",
            "that is enough for lists and logs; else take QSTASH_TOKEN from the console",
        )  # fmt: skip
    return warning(
        "permissions", f"cannot check: {response.error or _words(response)}", "try again"
    )


def signing_keys(configured: ConfiguredKeys, response: Measurement) -> DoctorCheck:
    """Checks whether the signing keys are configured and match those of the account."""
    if not (configured.current or configured.next):
        return warning(
            "signing-keys", "not configured; `verify` and `listen` need them",
            "export QSTASH_CURRENT_SIGNING_KEY and QSTASH_NEXT_SIGNING_KEY, or "
            "`qstash config set NAME --keys-stdin`; `qstash keys get` prints them",
        )  # fmt: skip
    if response.status in _NOT_ALLOWED:
        return ok(
            "signing-keys", f"{configured.source}; the token may not read those of the account"
        )
    if response.status != 200 or not isinstance(response.content, dict):
        reason = response.error or _words(response)
        return warning(
            "signing-keys", f"{configured.source}; cannot read those of the account: {reason}"
        )
    return _compared(
        configured,
        SigningKeys(
            current=str(response.content.get("current")), next=str(response.content.get("next"))
        ),
    )


def _compared(configured: ConfiguredKeys, of_account: SigningKeys) -> DoctorCheck:
    name, place = "signing-keys", configured.source
    if (configured.current, configured.next) == (of_account["current"], of_account["next"]):
        return ok(name, f"{place}: both keys match those of the account")
    fix = "store what `qstash keys get` prints"
    if configured.next == of_account["current"]:
        detail = f"{place}: the keys were rotated; after the next rotation they are of no use"
        return warning(name, detail, fix)
    if configured.current == of_account["current"]:
        which = "does not match" if configured.next else "is not configured"
        return warning(name, f"{place}: the current key matches, but the next key {which}", fix)
    return failure(
        name, f"{place}: neither key matches those of the account; no signature would be valid", fix
    )


def _words(response: Measurement) -> str:
    content = response.content
    words = content.get("error") if isinstance(content, dict) else None
    return str(words)[:200] if words else str(response.status)


def _how_to_move(source: Source, url: str, region: str) -> str:
    """Returns how to send a token from this source to another region's URL."""
    variable, _, file = source.token_from.partition(" in ")
    if source.profile is not None:
        return f"qstash config set {source.profile.name} --api-url {url}"
    if variable == "--token":
        return f"add --api-url {url}"
    if variable != "QSTASH_TOKEN":
        prefix = region.upper().replace("-", "_")
        return f"call it {prefix}_QSTASH_TOKEN, and set QSTASH_REGION={prefix}"
    return f"write QSTASH_URL={url} into {file}" if file else f"export QSTASH_URL={url}"
