"""Draws the terminal of the README from the output of real commands: `python3 -m docs.pictures`."""

from __future__ import annotations

from pathlib import Path

from tests.screens.recording import SCREENS, Screen, as_svg, record

TERMINAL = Path(__file__).parent / "images" / "terminal.svg"
_COLUMNS = 80
# Each command as it is typed, and what runs.
_SESSION = {
    "qstash logs --by-message": SCREENS["logs-by-message"],
    "qstash verify --request capture.http": Screen(("verify", "--request", "{capture}"), code=7),
}


def terminal() -> str:
    """Returns the SVG of a session. Raises `RuntimeError` if a command has another exit code."""
    lines = []
    for typed, screen in _SESSION.items():
        run = record(screen, columns=_COLUMNS, colour=True)
        if run.code != screen.code:
            raise RuntimeError(f"{typed} exited with {run.code}: {run.err}")
        lines += [f"\x1b[1m$ {typed}\x1b[0m", run.out + run.err]
    return as_svg("\n".join(lines), "qstash", _COLUMNS)


if __name__ == "__main__":
    TERMINAL.write_text(terminal(), encoding="utf-8")
