"""Renews the libraries of the console and of its tests from the npm registry.

`python3 console_assets.py` fetches the versions that each `vendored.toml` names, and writes their
hashes into it. To upgrade a library, change its version there first.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent
FOLDERS = (ROOT / "qstash_cli/server/console/static/vendor", ROOT / "tests/browser/vendor")


def main() -> None:
    """Replaces each file, and its hash in the manifest of its folder."""
    for folder in FOLDERS:
        _renew(folder)


def _renew(folder: Path) -> None:
    import tomllib

    manifest = folder / "vendored.toml"
    text = manifest.read_text()
    for entry in tomllib.loads(text)["file"]:
        content = _fetched(f"{entry['package']}@{entry['version']}", entry["path"])
        (folder / entry["name"]).write_bytes(content)
        name = re.escape(f'name = "{entry["name"]}"')
        digest = hashlib.sha256(content).hexdigest()
        text = re.sub(rf'({name}\n(?:.+\n)*?sha256 = )"\w*"', rf'\1"{digest}"', text)
    manifest.write_text(text)


def _fetched(package: str, path: str) -> bytes:
    """Returns a file of a package."""
    with tempfile.TemporaryDirectory() as work:
        argv = ["npm", "pack", "--silent", package]
        packed = subprocess.run(  # noqa: S603 - our own words
            argv, cwd=work, check=True, capture_output=True, text=True
        )
        with tarfile.open(Path(work) / packed.stdout.split()[-1]) as archive:
            member = archive.extractfile(f"package/{path}")
            if member is None:
                raise SystemExit(f"{package} has no file {path}")
            return member.read()


if __name__ == "__main__":
    main()
