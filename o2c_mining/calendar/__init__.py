"""Working time: when does a company work, how much working time lies between two instants, when is something due."""

from o2c_mining.calendar.due import Target, due_at, parse_target
from o2c_mining.calendar.file import default_calendar_text, load_calendar
from o2c_mining.calendar.working import DayRow, Window, WorkCalendar, add_working, day_table, work_clock

__all__ = [
    "DayRow",
    "Target",
    "Window",
    "WorkCalendar",
    "add_working",
    "day_table",
    "default_calendar_text",
    "due_at",
    "load_calendar",
    "parse_target",
    "work_clock",
]
