"""Profiles in `config.toml`, which is replaced atomically and readable only by its owner."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from qstash_cli.errors import BadInput, NotFound, QstashError
from qstash_cli.files import LockedByAnother, locked, reason_of, write_atomically
from qstash_cli.protocol.ids import validate_name

_OWNER_DIRECTORY = 0o700
_LOCK_TIMEOUT_S = 30.0
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_TOKEN_SOURCES = ("token", "token_env", "token_command")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A profile in the file. At most one of the three token fields is set."""

    name: str
    api_url: str | None = None
    token: str | None = field(default=None, repr=False)
    token_env: str | None = None
    token_command: tuple[str, ...] = ()
    current_signing_key: str | None = field(default=None, repr=False)
    next_signing_key: str | None = field(default=None, repr=False)
    plan: str | None = None
    protected: bool = False

    @property
    def has_secrets(self) -> bool:
        """Whether the file contains the profile's token or a signing key."""
        return bool(self.token or self.current_signing_key or self.next_signing_key)


class Profiles(NamedTuple):
    """The content of the file: the name of the default profile, and the profiles by name."""

    default: str | None = None
    profiles: Mapping[str, Profile] = MappingProxyType({})


_TYPES: dict[str, type] = {
    "api_url": str,
    "token": str,
    "token_env": str,
    "token_command": list,
    "current_signing_key": str,
    "next_signing_key": str,
    "plan": str,
    "protected": bool,
}
_EXPECTED = {str: "a string", bool: "true or false", list: "a list of strings"}


def load(path: Path) -> Profiles:
    """Returns the profiles in the file, none if the file does not exist.

    Ignores unknown keys. Raises `BadInput` naming the file and the invalid key.
    """
    document = _read(path)
    tables = document.get("profiles", {})
    default = document.get("default")
    if not isinstance(tables, dict):
        raise _wrong(path, "profiles", "tables such as [profiles.prod]")
    if default is not None and not isinstance(default, str):
        raise _wrong(path, "default", "the name of a profile")
    return Profiles(
        default=default,
        profiles={name: _profile(path, name, table) for name, table in tables.items()},
    )


def restrict(path: Path) -> str | None:
    """Makes the profiles readable only by their owner.

    Returns a message about the change, None if none was necessary. Raises `BadInput` if the mode
    cannot be changed. On Windows, access is inherited from the user's directory instead.
    """
    if os.name == "nt":
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & _FOR_OTHERS:
        return None
    try:
        path.chmod(mode & ~_FOR_OTHERS)
    except OSError as fault:
        raise BadInput(
            f"other users can read the secrets in {path} (mode {mode:o})",
            hint=f"cannot change the mode: {(fault.strerror or '').lower()}; "
            "keep the token in a variable (--token-env) instead",
        ) from None
    return (
        f"other users could read the secrets in {path} (mode {mode:o}); "
        f"changed the mode to {mode & ~_FOR_OTHERS:o}"
    )


def save(path: Path, name: str, changes: Mapping[str, Any]) -> None:
    """Creates or updates a profile; a value of None removes the key.

    A new token source replaces the old one, and `api_url` replaces `url`. The first profile becomes
    the default. Raises `BadInput` if the name is invalid or writing the file is not safe.
    """
    validate_name(name, "profile")
    with _editing(path) as document:
        profiles = document.setdefault("profiles", {})
        table = profiles.setdefault(name, {})
        if any(changes.get(source) for source in _TOKEN_SOURCES):
            for source in _TOKEN_SOURCES:
                table.pop(source, None)
        if "url" in table:
            table.setdefault("api_url", table.pop("url"))
        for key, value in changes.items():
            table.pop(key, None)
            if value is not None:
                table[key] = list(value) if isinstance(value, tuple) else value
        document.setdefault("default", name)


def use(path: Path, name: str) -> None:
    """Makes a profile the default. Raises `NotFound` listing the existing profiles."""
    with _editing(path) as document:
        _validate_known(document, name)
        document["default"] = name


def remove(path: Path, name: str) -> None:
    """Removes a profile. Raises `NotFound` listing the existing profiles."""
    with _editing(path) as document:
        _validate_known(document, name)
        del document["profiles"][name]
        if document.get("default") == name:
            del document["default"]


def _validate_known(document: Mapping[str, Any], name: str) -> None:
    known = document.get("profiles", {})
    if name not in known:
        raise unknown_profile(name, known)


def unknown_profile(name: str, known: Mapping[str, Any]) -> NotFound:
    """Returns the error for a profile that does not exist."""
    hint = (
        f"the profiles are: {', '.join(known)}"
        if known
        else "there are no profiles; `qstash config login` creates one"
    )
    return NotFound(f"profile not found: {name}", hint=hint)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise BadInput(
            f"cannot read the configuration: {path}", hint=(fault.strerror or "").lower()
        ) from None
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as fault:
        raise BadInput(f"the configuration is not valid TOML: {path}: {fault}") from None


def _profile(path: Path, name: str, table: Any) -> Profile:
    if not isinstance(table, dict):
        raise _wrong(path, f"profiles.{name}", "a table")
    # Another tool's README says `url`, so files written by hand may use it.
    values: dict[str, Any] = {"api_url": table["url"]} | table if "url" in table else table
    found: dict[str, Any] = {}
    for key, kind in _TYPES.items():
        value = values.get(key)
        if value is None:
            continue
        is_list_of_texts = isinstance(value, list) and all(isinstance(i, str) for i in value)
        if not isinstance(value, kind) or (kind is list and not (is_list_of_texts and value)):
            raise _wrong(path, f"profiles.{name}.{key}", _EXPECTED[kind])
        found[key] = tuple(value) if isinstance(value, list) else value
    return Profile(name=name, **found)


def _wrong(path: Path, key: str, expected: str) -> BadInput:
    return BadInput(f"{path}: {key} is not {expected}")


@contextlib.contextmanager
def _editing(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the file's document and writes it back after the block. Excludes other writers."""
    _prepare_directory(path.parent)
    with _locked(path.with_name(f"{path.name}.lock")):
        if path.is_symlink():
            raise BadInput(
                f"the configuration is a symbolic link: {path}",
                hint="replace the link with the file; nothing was changed",
            )
        load(path)
        document = _read(path)
        yield document
        _write(path, document)


def _prepare_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=_OWNER_DIRECTORY, parents=True, exist_ok=True)
    except OSError as fault:
        raise BadInput(
            f"cannot create the configuration directory: {directory}",
            hint=(fault.strerror or "").lower(),
        ) from None
    if directory.stat().st_mode & stat.S_IWOTH:
        raise BadInput(
            f"the configuration directory is writable by everyone: {directory}",
            hint=f"run `chmod o-w {directory}`; nothing was changed",
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path, timeout_s=_LOCK_TIMEOUT_S))
        except LockedByAnother as fault:
            raise QstashError(
                f"{fault.holder} is changing the configuration: {path}",
                hint="try again when that process has finished; nothing was changed",
            ) from None
        except OSError as fault:
            raise BadInput(
                f"cannot lock the configuration: {path}",
                hint=f"{reason_of(fault)}; nothing was changed",
            ) from None
        yield


def _write(path: Path, document: Mapping[str, Any]) -> None:
    import tomli_w

    write_atomically(path, tomli_w.dumps(document).encode())
