"""What a screen shows, as one frozen value that renders three ways: to a filter, to the URL, to a sentence.

The URL speaks the command line's words: ``lens from to where with without variant time``; ``colour focus case`` belong
to the screen alone. So a link, a command and a screen give the same figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Literal

from dashboards.wording import count
from o2c_mining.trace.select import ObjectFilter

Colour = Literal["waiting", "frequency"]
COLOURS: tuple[Colour, ...] = ("waiting", "frequency")


@dataclass(frozen=True, slots=True)
class Focus:
    """What is looked at: a path ``A>B`` (``edge``) or an activity (``node``)."""

    type: Literal["node", "edge"]
    id: str


@dataclass(frozen=True, slots=True)
class View:
    """A screen's state. ``working`` is ``None`` where the log's own default is meant."""

    filter: ObjectFilter = field(default_factory=ObjectFilter)
    working: bool | None = None
    colour: Colour = "waiting"
    focus: Focus | None = None
    case: str | None = None


def from_params(params: Mapping[str, Sequence[str]]) -> tuple[View, list[str]]:
    """The view a URL asks for, and what in it was not understood and left out."""
    refused: list[str] = []

    def last(name: str) -> str | None:
        values = params.get(name) or ()
        return values[-1] if values and values[-1] else None

    def day(name: str) -> date | None:
        text = last(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            refused.append(f"{name}={text}: expected a date such as 2026-01-31")
            return None

    variant = last("variant")
    if variant is not None and not variant.isdecimal():
        refused.append(f"variant={variant}: expected a rank such as 3")
        variant = None
    colour = last("colour") or "waiting"
    if colour not in COLOURS:
        refused.append(f"colour={colour}: expected waiting or frequency")
        colour = "waiting"
    time = last("time")
    if time not in {None, "working", "calendar"}:
        refused.append(f"time={time}: expected working or calendar")
        time = None
    focus = last("focus")
    view = View(
        filter=ObjectFilter(
            lens=last("lens"),
            start=day("from"),
            end=day("to"),
            where=_where(params.get("where") or (), refused),
            with_=tuple(params.get("with") or ()),
            without=tuple(params.get("without") or ()),
            variant=int(variant) if variant else None,
        ),
        working=None if time is None else time == "working",
        colour="frequency" if colour == "frequency" else "waiting",
        focus=Focus("edge" if ">" in focus else "node", focus) if focus else None,
        case=last("case"),
    )
    return view, refused


def to_params(view: View) -> dict[str, list[str]]:
    """The shortest URL parameters that give this view again."""
    chosen = view.filter
    params: dict[str, list[str]] = {
        "lens": [chosen.lens] if chosen.lens else [],
        "from": [chosen.start.isoformat()] if chosen.start else [],
        "to": [chosen.end.isoformat()] if chosen.end else [],
        "where": [f"{attribute}={','.join(values)}" for attribute, values in chosen.where],
        "with": list(chosen.with_),
        "without": list(chosen.without),
        "variant": [str(chosen.variant)] if chosen.variant else [],
        "time": [] if view.working is None else ["working" if view.working else "calendar"],
        "colour": [view.colour] if view.colour != "waiting" else [],
        "focus": [view.focus.id] if view.focus else [],
        "case": [view.case] if view.case else [],
    }
    return {name: values for name, values in params.items() if values}


Change = Callable[[ObjectFilter], ObjectFilter]


def parts(chosen: ObjectFilter) -> list[tuple[str, Change]]:
    """Every condition of a filter in words, each with the change that takes it away."""
    result: list[tuple[str, Change]] = []
    if chosen.start or chosen.end:
        result.append((_period(chosen.start, chosen.end), lambda now: replace(now, start=None, end=None)))
    for attribute, values in chosen.where:
        result.append((f"{attribute_name(attribute)} {' or '.join(values)}", partial(_without_attribute, attribute)))
    result += [(f"with {activity}", partial(_drop, "with_", activity)) for activity in chosen.with_]
    result += [(f"without {activity}", partial(_drop, "without", activity)) for activity in chosen.without]
    if chosen.variant:
        result.append((f"variant #{chosen.variant}", lambda now: replace(now, variant=None)))
    return result


def _without_attribute(attribute: str, now: ObjectFilter) -> ObjectFilter:
    return replace(now, where=tuple(pair for pair in now.where if pair[0] != attribute))


def _drop(field_name: Literal["with_", "without"], activity: str, now: ObjectFilter) -> ObjectFilter:
    left = tuple(name for name in getattr(now, field_name) if name != activity)
    return replace(now, with_=left) if field_name == "with_" else replace(now, without=left)


def sentence(chosen: ObjectFilter, lens: str, shown: int, total: int) -> str:
    """``96 of 320 orders: region EMEA, with Open Dispute``; ``All 320 orders`` without a filter."""
    words = [text for text, _ in parts(chosen)]
    if not words:
        return count(total, lens) if total == 1 else f"All {count(total, lens)}"
    return f"{shown:,} of {count(total, lens)}: {', '.join(words)}"


def attribute_name(attribute: str) -> str:
    """``customer.region`` as a person says it: ``customer region``."""
    return attribute.replace(".", " ").replace("_", " ")


def _period(start: date | None, end: date | None) -> str:
    if start and end:
        return f"begun from {start:%-d %b %Y} to before {end:%-d %b %Y}"
    return f"begun from {start:%-d %b %Y}" if start else f"begun before {end:%-d %b %Y}"


def _where(texts: Sequence[str], refused: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, list[str]] = {}
    for text in texts:
        attribute, equals, values = text.partition("=")
        chosen = [value for value in values.split(",") if value]
        if not equals or not attribute or not chosen:
            refused.append(f"where={text}: expected attribute=value[,value]")
            continue
        known = found.setdefault(attribute, [])
        known.extend(value for value in chosen if value not in known)
    return tuple((attribute, tuple(values)) for attribute, values in found.items())
