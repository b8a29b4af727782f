"""Recognizes runs of CI and of agents, who read the output as text and cannot answer questions."""

from __future__ import annotations

from collections.abc import Mapping

CI = ("CI",)
# Names that agents share. Sources: the documentation of Goose and Amp; Vercel's detect-agent.
ANY_AGENT = ("AI_AGENT", "AGENT")
# Claude Code, Cursor, Gemini CLI, Codex and OpenCode, in the commands that they run.
AGENTS = (
    "CLAUDECODE", "CURSOR_AGENT", "GEMINI_CLI", "CODEX_SANDBOX", "CODEX_THREAD_ID", "OPENCODE",
)  # fmt: skip
NAMES = (*CI, *ANY_AGENT, *AGENTS)
_OFF = {"", "0", "false"}


def is_attended(env: Mapping[str, str]) -> bool:
    """Returns whether a person may be at the terminal."""
    return all(env.get(name, "").lower() in _OFF for name in NAMES)
