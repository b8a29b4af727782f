"""Checks the installation and the environment, without network access."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from qstash_cli import __version__
from qstash_cli.client.proxies import proxy_for, proxy_variables
from qstash_cli.commands.doctor.check import (
    DoctorCheck,
    failure,
    ok,
    skipped,
    warning,
)
from qstash_cli.config.profiles import Profiles
from qstash_cli.errors import BadInput
from qstash_cli.protocol.destination import is_loopback

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
# Other programs read these variables, and users expect them to work here too.
_NOT_READ = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def version() -> DoctorCheck:
    """Reports the versions of the program and of Python."""
    from importlib.metadata import version as of

    python = ".".join(str(part) for part in sys.version_info[:3])
    return ok("version", f"qstash {__version__}, Python {python}, httpx2 {of('httpx2')}")


def config_file(path: Path, profiles: Profiles) -> DoctorCheck:
    """Reports the configuration file, which is readable."""
    if not path.exists():
        return ok("config", f"there is no {path}")
    names = ", ".join(profiles.profiles) or "none"
    detail = f"{path}, profiles: {names}"
    if profiles.default and profiles.default not in profiles.profiles:
        return warning(
            "config", f"{path}: the default profile does not exist: {profiles.default}",
            "qstash config use NAME",
        )  # fmt: skip
    return ok("config", detail)


def proxy(url: str) -> DoctorCheck:
    """Checks whether requests to `url` use a proxy, and whether that proxy is supported."""
    try:
        used = proxy_for(url)
    except BadInput as error:
        return failure("proxy", error.message, error.hint)
    if used is not None:
        return ok("proxy", f"{used.source}: {used.address}")
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    named = next(iter(proxy_variables(scheme, "all")), None)
    if named is None:
        other = next(iter(proxy_variables()), None)
        return ok("proxy", f"{other} is set, but not used for {scheme}://" if other else "not set")
    if is_loopback(url):
        return ok("proxy", f"{named} is set, but not used for this machine")
    return ok("proxy", f"{named} is set, but NO_PROXY excludes {parts.hostname}")


def certificates(env: Mapping[str, str], *, is_plain: bool) -> DoctorCheck:
    """Checks which certificate authorities are trusted, and whether their file exists."""
    if is_plain:
        return skipped("certificates", "the URL is http://")
    named = next((name for name in _CERTIFICATES if env.get(name)), None)
    ignored = next((name for name in _NOT_READ if env.get(name)), None)
    if named is None and ignored is not None:
        return warning(
            "certificates", f"{ignored} is set, but not read here",
            f"export SSL_CERT_FILE={env[ignored]}",
        )  # fmt: skip
    if named is None:
        return ok("certificates", "the authorities that come with the program")
    path = Path(env[named])
    is_there = path.is_file() if named == "SSL_CERT_FILE" else path.is_dir()
    if not is_there:
        return failure(
            "certificates", f"the file of {named} does not exist: {path}", f"unset {named}"
        )
    if named == "SSL_CERT_FILE" and not _holds_certificates(path):
        return failure(
            "certificates", f"{named} contains no certificates: {path}",
            "name a file in PEM form, with BEGIN CERTIFICATE in it",
        )  # fmt: skip
    return ok("certificates", f"{named}: {path}")


def _holds_certificates(path: Path) -> bool:
    try:
        return b"-----BEGIN " in path.read_bytes()
    except OSError:
        return False
