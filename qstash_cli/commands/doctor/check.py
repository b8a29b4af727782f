"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qstash_cli.errors import ExitCode

Status = Literal["ok", "warning", "failure", "skipped"]


@dataclass(frozen=True, kw_only=True)
class DoctorCheck:
    """The name of a check, its result, and how to fix the problem.

    `exit_code` is the exit code of the program if the check failed.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""
    exit_code: ExitCode = ExitCode.DONE

    def as_record(self) -> dict[str, str | None]:
        """Returns the check as JSON."""
        return {
            "check": self.name,
            "status": self.status,
            "detail": self.detail,
            "fix": self.fix or None,
        }


def ok(name: str, detail: str) -> DoctorCheck:
    """Returns a check that found no problem."""
    return DoctorCheck(name=name, status="ok", detail=detail)


def warning(name: str, detail: str, fix: str = "") -> DoctorCheck:
    """Returns a check that found a problem with which most commands still work."""
    return DoctorCheck(name=name, status="warning", detail=detail, fix=fix)


def failure(name: str, detail: str, fix: str, code: ExitCode = ExitCode.FAILED) -> DoctorCheck:
    """Returns a check that found a problem with which no command works."""
    return DoctorCheck(name=name, status="failure", detail=detail, fix=fix, exit_code=code)


def skipped(name: str, why: str) -> DoctorCheck:
    """Returns a check that was not possible or not necessary."""
    return DoctorCheck(name=name, status="skipped", detail=why)
