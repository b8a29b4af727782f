"""What is kept for a minute is its owner's alone, and gone after it."""

from __future__ import annotations

import os
from pathlib import Path

from qstash_cli.config.cache import cache_directory, keep, recall

LIFETIME_S = 60.0


def test_what_was_kept_is_recalled_until_it_is_old(tmp_path: Path) -> None:
    path = tmp_path / "qstash" / "a.json"
    keep(path, [["orders", "lag 0"]], now=1000)

    def at(now: float) -> object:
        return recall(path, now=now, lifetime_s=LIFETIME_S)

    assert at(1059.9) == [["orders", "lag 0"]]
    assert at(1060) is None
    assert at(999) is None, "a clock that was set back"


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "qstash" / "a.json"
    keep(path, [], now=1)
    keep(path, [1], now=2)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["a.json"]


def test_what_is_broken_or_not_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in ("", "[1]", "{", '{"at_s": "x", "value": 1}', '{"value": 1}', "\x00"):
        path.write_text(content)
        assert recall(path, now=1, lifetime_s=LIFETIME_S) is None

    assert recall(tmp_path / "nope.json", now=1, lifetime_s=LIFETIME_S) is None


def test_what_is_old_is_removed_when_something_new_is_kept(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    keep(old, [], now=1)
    os.utime(old, (1000, 1000))

    keep(new, [], now=1000 + 7200)

    assert not old.exists()


def test_the_directory_is_the_platforms_or_the_one_that_is_named(tmp_path: Path) -> None:
    assert cache_directory({"XDG_CACHE_HOME": "/c"}, tmp_path) == Path("/c/qstash")
    assert cache_directory({"XDG_CACHE_HOME": "~/c"}, tmp_path) == tmp_path / "c/qstash"
    assert cache_directory({}, tmp_path).parts[-1] == "qstash"
