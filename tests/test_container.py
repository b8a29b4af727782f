"""The commands of the Dockerfile, run outside a container with other paths and another port."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import plain_environment, run
from tests.polling import poll

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")


def command(instruction: str, directory: Path) -> list[str]:
    """Returns the command of an instruction, with the container's paths moved to a directory."""
    [text] = re.findall(rf"^(?:HEALTHCHECK .* )?{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    moved = text.replace("/data/", f"{directory}/").replace("/seed.toml", f"{directory}/seed.toml")
    words: list[str] = json.loads(moved)
    return words


def test_the_entrypoint_applies_the_seed_and_is_healthy_only_while_it_runs(tmp_path: Path) -> None:
    env = plain_environment(tmp_path)
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    (tmp_path / "seed.toml").write_text("[queues.emails]\nparallelism = 2\n")
    check = command("CMD", tmp_path)
    assert run(check, env).returncode != 0

    server = subprocess.Popen(  # noqa: S603 - the command of the image
        [*command("ENTRYPOINT", tmp_path), "--port", "0", "--quiet"],
        env=env,
        stdout=subprocess.DEVNULL,
    )
    try:
        poll((tmp_path / "dev.env").exists)
        healthy = run(check, env)
    finally:
        server.terminate()
        server.wait(60)

    assert healthy.returncode == 0, healthy.stderr
    assert "emails" in healthy.stdout
    assert (tmp_path / "qstash.db").exists()
    assert run(check, env).returncode != 0


def test_the_image_does_not_run_as_root_and_keeps_its_data_in_a_volume() -> None:
    assert re.search(r"^USER [1-9]\d+$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^VOLUME /data$", DOCKERFILE, re.MULTILINE)
