"""The libraries in the tree are those that their manifests name."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from console_assets import FOLDERS

ENTRIES = [
    (folder, entry)
    for folder in FOLDERS
    for entry in tomllib.loads((folder / "vendored.toml").read_text())["file"]
]


@pytest.mark.parametrize(("folder", "entry"), ENTRIES)
def test_a_vendored_file_has_the_hash_and_version_of_its_manifest(
    folder: Path, entry: Mapping[str, str]
) -> None:
    content = (folder / entry["name"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert entry["licence"]
    assert entry["version"]


def test_every_vendored_file_is_in_a_manifest() -> None:
    known = {(folder, entry["name"]) for folder, entry in ENTRIES}
    found = {
        (folder, path.name)
        for folder in FOLDERS
        for path in folder.iterdir()
        if path.name != "vendored.toml"
    }
    assert found == known
