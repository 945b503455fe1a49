"""Calendars as YAML files of the workspace (``calendars/*.yaml``)."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from o2c_mining.calendar.working import MINUTES_A_DAY, Window, WorkCalendar
from o2c_mining.documents import Document, read_document
from o2c_mining.errors import ConfigError

_WINDOW = re.compile(r"([0-2]\d):([0-5]\d)\s*-\s*([0-2]\d):([0-5]\d)")


def _windows(texts: tuple[str, ...]) -> tuple[Window, ...]:
    windows = []
    for text in texts:
        found = _WINDOW.fullmatch(text.strip())
        parts = [int(part) for part in found.groups()] if found else [0, 0, 0, 0]
        window = Window(parts[0] * 60 + parts[1], parts[2] * 60 + parts[3])
        if not window.start < window.end <= MINUTES_A_DAY:
            raise ValueError(
                f"expected windows such as 08:00-17:00 with the end after the start (24:00 at most): {text}"
            )
        windows.append(window)
    windows.sort()
    if any(left.end > right.start for left, right in pairwise(windows)):
        raise ValueError("expected windows that do not overlap")
    return tuple(windows)


class _Week(Document):
    mon: tuple[str, ...] = ()
    tue: tuple[str, ...] = ()
    wed: tuple[str, ...] = ()
    thu: tuple[str, ...] = ()
    fri: tuple[str, ...] = ()
    sat: tuple[str, ...] = ()
    sun: tuple[str, ...] = ()

    @field_validator("*")
    @classmethod
    def _parse(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _windows(value)
        return value


class _Holiday(Document):
    date: date
    name: str


class _Exception(Document):
    date: date
    windows: tuple[str, ...] = Field(description="working windows of this date instead of the week's; [] = none")
    name: str = ""

    @field_validator("windows")
    @classmethod
    def _parse(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _windows(value)
        return value


class _CalendarDocument(Document):
    """The keys of a calendar file."""

    timezone: str
    week: _Week
    holidays: tuple[_Holiday, ...] = ()
    exceptions: tuple[_Exception, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("expected an IANA time zone such as Europe/Berlin") from None
        return value


def load_calendar(path: Path) -> WorkCalendar:
    """The calendar in a YAML file; its name is the file's, its version a digest of its meaning.

    An entry under ``exceptions`` wins over a holiday of the same date (a half day on a holiday).

    Raises
    ------
    ConfigError
        If a key is unknown, a window or zone is not understood, or a date is listed twice.
    """
    document = read_document(path, _CalendarDocument)
    dates: dict[date, tuple[Window, ...]] = {}
    for entries in (document.holidays, document.exceptions):
        listed = [entry.date for entry in entries]
        twice = sorted({day for day in listed if listed.count(day) > 1})
        if twice:
            raise ConfigError(f"{path} lists {twice[0]} twice; expected each date once; remove one of them")
    dates.update({holiday.date: () for holiday in document.holidays})
    dates.update({exception.date: _windows(exception.windows) for exception in document.exceptions})
    week = document.week
    windows = tuple(_windows(day) for day in (week.mon, week.tue, week.wed, week.thu, week.fri, week.sat, week.sun))
    exceptions = tuple(sorted(dates.items()))
    version = hashlib.sha256(repr((document.timezone, windows, exceptions)).encode()).hexdigest()[:12]
    return WorkCalendar(path.stem, document.timezone, windows, exceptions, version)


def default_calendar_text() -> str:
    """The calendar that ``o2c init`` writes to ``calendars/company.yaml``."""
    return resources.files("o2c_mining.calendar").joinpath("templates/company.yaml").read_text(encoding="utf-8")
