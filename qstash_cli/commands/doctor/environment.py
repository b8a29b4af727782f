"""What is installed and what the environment says, before anything is asked over the network."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from qstash_cli import __version__
from qstash_cli.commands.doctor.check import (
    Check,
    failure,
    ok,
    skipped,
    warning,
)
from qstash_cli.config.profiles import Profiles

_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
# Other programs read these, and people wonder why they change nothing here.
_NOT_READ = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def version() -> Check:
    """The versions of what runs."""
    from importlib.metadata import version as of

    python = ".".join(str(part) for part in sys.version_info[:3])
    return ok("version", f"qstash {__version__}, Python {python}, httpx2 {of('httpx2')}")


def config_file(path: Path, profiles: Profiles) -> Check:
    """The file of profiles, which could be read."""
    if not path.exists():
        return ok("config", f"there is no {path}")
    names = ", ".join(profiles.profiles) or "none"
    detail = f"{path}, profiles: {names}"
    if profiles.default and profiles.default not in profiles.profiles:
        return warning(
            "config", f"{path}: the default profile is not there: {profiles.default}",
            "qstash config use NAME",
        )  # fmt: skip
    return ok("config", detail)


def proxy_for(url: str, env: Mapping[str, str]) -> str | None:
    """The variable that names the proxy for requests to `url`, None if there is none."""
    parts = urlsplit(url)
    names = _PROXIES if parts.scheme.lower() == "https" else ("http_proxy", *_PROXIES[2:])
    named = next((name for name in names if env.get(name)), None)
    return None if _is_left_out(parts.hostname or "", env) else named


def proxy(url: str, env: Mapping[str, str], *, is_local: bool) -> Check:
    """Whether requests go through a proxy, and can."""
    named = next((name for name in (*_PROXIES, "http_proxy") if env.get(name)), None)
    if named is None:
        return ok("proxy", "none is set")
    if is_local:
        return ok("proxy", f"{named} is set, and not used for this machine")
    used = proxy_for(url, env)
    if used is None:
        return ok("proxy", f"{named} is set, and NO_PROXY leaves {urlsplit(url).hostname} out")
    parts = urlsplit(env[used] if "://" in env[used] else f"http://{env[used]}")
    try:
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        return failure(
            "proxy", f"{used} names no proxy that can be used", f"export {used}=http://HOST:PORT"
        )
    # The user and password of a proxy stand before its host.
    return ok("proxy", f"{used}: {parts.scheme}://{parts.netloc.rpartition('@')[2]}")


def certificates(env: Mapping[str, str], *, is_plain: bool) -> Check:
    """Which authorities are trusted, and whether their file is there."""
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
        return failure("certificates", f"{named} is not there: {path}", f"unset {named}")
    if named == "SSL_CERT_FILE" and not _holds_certificates(path):
        return failure(
            "certificates", f"{named} holds no certificates: {path}",
            "name a file in PEM form, with BEGIN CERTIFICATE in it",
        )  # fmt: skip
    return ok("certificates", f"{named}: {path}")


def _holds_certificates(path: Path) -> bool:
    try:
        return b"-----BEGIN " in path.read_bytes()
    except OSError:
        return False


def _is_left_out(host: str, env: Mapping[str, str]) -> bool:
    names = (env.get("no_proxy") or env.get("NO_PROXY") or "").split(",")
    for name in (one.strip().lower() for one in names):
        if name == "*" or (name and (f".{host}".endswith(f".{name.lstrip('.')}"))):
            return True
    return False
