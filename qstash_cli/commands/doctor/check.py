"""One check and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qstash_cli.errors import ExitCode

Status = Literal["ok", "warning", "failure", "skipped"]


@dataclass(frozen=True, kw_only=True)
class DoctorCheck:
    """What was looked at, what was found, and what to do about it.

    `exit_code` is the program's, where the check failed.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""
    exit_code: ExitCode = ExitCode.DONE

    def as_record(self) -> dict[str, str | None]:
        """The check as JSON has it."""
        return {
            "check": self.name,
            "status": self.status,
            "detail": self.detail,
            "fix": self.fix or None,
        }


def ok(name: str, detail: str) -> DoctorCheck:
    """Nothing is wrong."""
    return DoctorCheck(name=name, status="ok", detail=detail)


def warning(name: str, detail: str, fix: str = "") -> DoctorCheck:
    """It works, but not for everything or not for long."""
    return DoctorCheck(name=name, status="warning", detail=detail, fix=fix)


def failure(name: str, detail: str, fix: str, code: ExitCode = ExitCode.FAILED) -> DoctorCheck:
    """It cannot work like this."""
    return DoctorCheck(name=name, status="failure", detail=detail, fix=fix, exit_code=code)


def skipped(name: str, why: str) -> DoctorCheck:
    """It could not be looked at, or there is nothing to look at."""
    return DoctorCheck(name=name, status="skipped", detail=why)
