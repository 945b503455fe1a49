"""What an alert says: a fixed list of fields, filled into plain ``${field}`` templates and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from string import Template
from zoneinfo import ZoneInfo

FIELDS = (
    "rule",
    "title",
    "severity",
    "level",
    "state",
    "reason",
    "owner",
    "object_type",
    "object_id",
    "number",
    "since",
    "due_at",
    "stopped_at",
    "amount",
    "currency",
    "documents",
)
MAX_SUBJECT = 200
MAX_TEXT = 4000
_MAX_DOCUMENTS = 20


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A document an alert is about or that belongs to it."""

    object_id: str
    object_type: str
    number: str | None


def fill(template: str, fields: Mapping[str, object], *, limit: int) -> str:
    """The template with its fields; empty values become ``-``; cut at ``limit`` characters."""
    values = {name: str(fields.get(name) or "-") for name in FIELDS}
    text = Template(template).safe_substitute(values)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def subject_line(template: str, fields: Mapping[str, object]) -> str:
    """One line, whatever a document number contains."""
    return " ".join(fill(template, fields, limit=MAX_SUBJECT).split())


def local_time(moment: datetime | None, timezone: str) -> str | None:
    """An instant as people of the company read it, to the minute."""
    if moment is None:
        return None
    return moment.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M %Z")


def list_documents(documents: Sequence[DocumentRef]) -> str:
    """``order SO1, delivery OUT7``; the rest of a long list is counted."""
    named = [f"{document.object_type} {document.number or '(no number yet)'}" for document in documents]
    rest = len(named) - _MAX_DOCUMENTS
    return ", ".join(named[:_MAX_DOCUMENTS]) + (f" and {rest} more" if rest > 0 else "")
