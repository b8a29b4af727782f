"""The profiles file is private, replaced atomically, and loses nothing."""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from qstash_cli.config.paths import config_file
from qstash_cli.config.profiles import load, remove, save, use
from qstash_cli.errors import BadInput, NotFound


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "config.toml"


def test_the_first_profile_is_the_default_one(path: Path) -> None:
    save(path, "prod", {"token": "t", "api_url": "https://a.example"})
    save(path, "eu", {"token_env": "EU"})

    profiles = load(path)

    assert profiles.default == "prod"
    assert profiles.profiles["prod"].api_url == "https://a.example"
    assert profiles.profiles["eu"].token_env == "EU"


def test_a_new_token_source_replaces_the_old_one(path: Path) -> None:
    save(path, "a", {"token": "t", "plan": "free"})
    save(path, "a", {"token_command": ("op", "read")})

    profile = load(path).profiles["a"]

    assert (profile.token, profile.token_command, profile.plan) == (None, ("op", "read"), "free")


def test_unknown_keys_are_kept_and_url_is_read_as_api_url(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text('colour = "red"\n[profiles.a]\nurl = "https://old.example"\nextra = 1\n')
    assert load(path).profiles["a"].api_url == "https://old.example"

    save(path, "a", {"api_url": "https://new.example"})

    document = tomllib.loads(path.read_text())
    assert document["colour"] == "red"
    assert document["profiles"]["a"] == {"extra": 1, "api_url": "https://new.example"}


def test_only_the_owner_can_access_the_file_and_its_directory(path: Path) -> None:
    save(path, "a", {"token": "secret"})
    save(path, "a", {"plan": "free"})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir() if "secret" in p.read_text()] == [path.name]


def test_profiles_can_be_selected_and_removed(path: Path) -> None:
    save(path, "a", {"token": "t"})
    save(path, "b", {"token": "t"})

    use(path, "b")
    assert load(path).default == "b"
    remove(path, "b")
    assert (load(path).default, list(load(path).profiles)) == (None, ["a"])
    for change in (use, remove):
        with pytest.raises(NotFound) as missing:
            change(path, "b")
        assert missing.value.hint == "the profiles are: a"


def test_unsafe_places_are_refused(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    (tmp_path / "elsewhere").write_text("")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="symbolic link"):
        save(path, "a", {"token": "t"})

    path.unlink()
    path.parent.chmod(0o777)
    with pytest.raises(BadInput, match="writable by everyone"):
        save(path, "a", {"token": "t"})
    assert (tmp_path / "elsewhere").read_text() == ""
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[profiles", "is not valid TOML"),
        ("profiles = 1", "profiles is not tables"),
        ("default = 1", "default is not the name of a profile"),
        ("[profiles.a]\ntoken = 1", "profiles.a.token is not a string"),
        ("[profiles.a]\ntoken_command = 'op'", "profiles.a.token_command is not a list of strings"),
        ("[profiles.a]\nprotected = 'yes'", "profiles.a.protected is not true or false"),
    ],
)
def test_the_error_names_the_invalid_key(path: Path, text: str, words: str) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text(text)

    with pytest.raises(BadInput) as wrong:
        load(path)

    assert str(path) in wrong.value.message
    assert words in wrong.value.message
    with pytest.raises(BadInput):
        save(path, "b", {"token": "t"})
    assert path.read_text() == text


def test_concurrent_writers_lose_nothing(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from qstash_cli.config.profiles import save\n"
        "for n in range(10): save(Path(sys.argv[1]), f'{sys.argv[2]}-{n}', {'token': 't'})"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), name])  # noqa: S603 - a command of the test
        for name in ("a", "b", "c")
    ]

    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(load(path).profiles) == 30


def test_a_name_with_other_characters_is_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="not a valid profile name"):
        save(path, "a b", {"token": "t"})


def test_the_environment_can_set_the_path_of_the_file(tmp_path: Path) -> None:
    assert config_file({"QSTASH_CONFIG_DIR": "/etc/q"}, tmp_path) == Path("/etc/q/config.toml")
    assert config_file({"QSTASH_CONFIG_DIR": "~/q"}, tmp_path) == tmp_path / "q/config.toml"
    assert config_file({"XDG_CONFIG_HOME": "/x"}, tmp_path) == Path("/x/qstash/config.toml")
    assert config_file({}, tmp_path).name == "config.toml"


def test_without_variables_the_file_is_in_the_platforms_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from platformdirs import user_config_path

    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    expected = user_config_path("qstash", appauthor=False) / "config.toml"
    assert config_file({}, Path.home()) == expected
