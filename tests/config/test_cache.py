"""Cached values expire, and only their owner can read them."""

from __future__ import annotations

import os
from pathlib import Path

from qstash_cli.config.cache import cache_directory, keep, recall

LIFETIME_S = 60.0


def test_a_cached_value_is_returned_until_it_expires(tmp_path: Path) -> None:
    path = tmp_path / "qstash" / "a.json"
    keep(path, [["orders", "lag 0"]], now=1000)

    def at(now: float) -> object:
        return recall(path, now=now, lifetime_s=LIFETIME_S)

    assert at(1059.9) == [["orders", "lag 0"]]
    assert at(1060) is None
    assert at(999) is None, "the clock was set back"


def test_only_the_owner_can_read_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "qstash" / "a.json"
    keep(path, [], now=1)
    keep(path, [1], now=2)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["a.json"]


def test_a_corrupt_or_missing_entry_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in ("", "[1]", "{", '{"at_s": "x", "value": 1}', '{"value": 1}', "\x00"):
        path.write_text(content)
        assert recall(path, now=1, lifetime_s=LIFETIME_S) is None

    assert recall(tmp_path / "nope.json", now=1, lifetime_s=LIFETIME_S) is None


def test_old_entries_are_deleted_when_a_new_one_is_written(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    keep(old, [], now=1)
    os.utime(old, (1000, 1000))

    keep(new, [], now=1000 + 7200)

    assert not old.exists()


def test_the_cache_directory_follows_the_platform_or_xdg_cache_home(tmp_path: Path) -> None:
    assert cache_directory({"XDG_CACHE_HOME": "/c"}, tmp_path) == Path("/c/qstash")
    assert cache_directory({"XDG_CACHE_HOME": "~/c"}, tmp_path) == tmp_path / "c/qstash"
    assert cache_directory({}, tmp_path).parts[-1] == "qstash"
