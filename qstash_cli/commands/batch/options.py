"""The options of `batch` only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qstash_cli.cli.flags import flag
from qstash_cli.errors import BadInput
from qstash_cli.files import parse_path
from qstash_cli.protocol.numbers import parse_count, parse_pace_per_s

_RECORDS = "Records"
_SENDING = "Sending"
_FORMATS = ("jsonl", "csv")


def _format(text: str) -> str:
    if text not in _FORMATS:
        raise BadInput(f"not a format of records: {text!r}", hint=f"one of {', '.join(_FORMATS)}")
    return text


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """How to convert the input to messages."""

    to: str | None = flag(
        "URL or URL group that receives each record as a body",
        metavar="DEST",
        section=_RECORDS,
        complete="urlgroup",
    )
    destination_field: str | None = flag(
        "Field with the destination of each record", metavar="FIELD", section=_RECORDS
    )
    dedup_field: str | None = flag(
        "Field with the deduplication id", metavar="FIELD", section=_RECORDS
    )
    delay_field: str | None = flag(
        "Field with the delay; no delay if it is empty", metavar="FIELD", section=_RECORDS
    )
    format: str | None = flag(
        "jsonl or csv [default: by the file name, else jsonl]",
        metavar="FORMAT",
        parse=_format,
        section=_RECORDS,
        complete="jsonl|csv",
    )
    lines: bool = flag("Send each line as a plain-text body", section=_RECORDS)
    strict: bool = flag("Stop at the first rejected record", section=_RECORDS)
    rejects: Path | None = flag(
        "File for rejected records, as JSONL", metavar="FILE", parse=parse_path, section=_RECORDS
    )


@dataclass(frozen=True, kw_only=True)
class SendingOptions:
    """How to send the requests and what to record."""

    journal: Path | None = flag(
        "Journal of what was sent [default: FILE.journal]",
        metavar="FILE",
        parse=parse_path,
        section=_SENDING,
    )
    no_journal: bool = flag("Do not keep a journal", section=_SENDING)
    resume: bool = flag(
        "Resume from the journal; sends corrected records again",
        section=_SENDING,
    )
    pace: float | None = flag(
        "Maximum number of records sent per second, or per minute or hour with /m or /h",
        metavar="N/s",
        parse=parse_pace_per_s,
        section=_SENDING,
    )
    chunk_size: int = flag(
        "Maximum number of records per request [default: 500]",
        metavar="N",
        parse=parse_count,
        default=500,
        section=_SENDING,
    )
    in_flight: int = flag(
        "Maximum number of requests in flight [default: 4]",
        metavar="N",
        parse=parse_count,
        default=4,
        section=_SENDING,
    )
    no_check: bool = flag("Skip client-side validation of records", section=_SENDING)
    trace: bool = flag(
        "Forward a traceparent with each record: its own child of $TRACEPARENT, or a new trace",
        section=_SENDING,
    )
