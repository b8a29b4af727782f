"""Options of `qstash config login`."""

from __future__ import annotations

from dataclasses import dataclass

from qstash_cli.cli.flags import flag
from qstash_cli.config.urls import REGION_URLS, validate_url
from qstash_cli.errors import BadInput


def _region(text: str) -> str:
    if text not in REGION_URLS:
        raise BadInput(f"not a region: {text!r}", hint=f"one of {', '.join(REGION_URLS)}")
    return text


def _url(text: str) -> str:
    try:
        return validate_url(text, insecure=False)
    except BadInput as error:
        if "unencrypted" in error.message:
            error.hint = "use https://"
        raise


@dataclass(frozen=True, kw_only=True)
class LoginOptions:
    """Answers to the questions, for a login without a terminal or with fewer questions."""

    region: str | None = flag(
        "Region of the account [default: asks]",
        metavar="REGION",
        parse=_region,
        complete="|".join(REGION_URLS),
    )
    api_url: str | None = flag("Base URL of the API, in place of a region", metavar="URL",
                               parse=_url)  # fmt: skip
    with_token: bool = flag("Read the token from standard input, and ask nothing")
