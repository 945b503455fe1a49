"""Variants as the chevron component draws them: usual, extra, repeated and skipped steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from dashboards.wording import Clock, count, duration, percent, plural
from o2c_mining.analysis.variants import Variant, Variants

CAPTION = "Path: strong colour = not on the most frequent way, striped = again, struck out = skipped"


def usual_way(found: Variants) -> tuple[str, ...]:
    """Activities of the most frequent variant."""
    return found.variants[0].activities if found.variants else ()


def variant_table(
    found: Variants, colours: Mapping[str, str], *, noun: str, clock: Clock, fold: bool
) -> dict[str, Any]:
    """Data of the variant component; ``colours`` by activity."""
    usual = usual_way(found)
    rows = [_row(variant, usual, colours, noun, clock) for variant in found.variants]
    return {
        "rows": rows,
        "widest": max((variant.share for variant in found.variants), default=1.0),
        "noun": plural(noun).capitalize(),
        "caption": CAPTION,
        "fold": fold,
    }


def _row(
    variant: Variant, usual: tuple[str, ...], colours: Mapping[str, str], noun: str, clock: Clock
) -> dict[str, Any]:
    return {
        "rank": variant.rank,
        "share": variant.share,
        "share_label": percent(variant.share),
        "cumulative": variant.cumulative_share,
        "cumulative_label": percent(variant.cumulative_share),
        "cases_label": f"{variant.cases:,}",
        "median_label": duration(variant.median_seconds, clock),
        "tip": f"Variant {variant.rank}: {count(variant.cases, noun)}, {count(variant.open_cases)} open",
        "steps": _steps(variant.activities, usual, colours),
    }


def _steps(activities: tuple[str, ...], usual: tuple[str, ...], colours: Mapping[str, str]) -> list[dict[str, str]]:
    """The variant's steps in order; usual steps it leaves out stand where they would have come.

    A variant that simply has not come so far yet skips nothing: only what lies before its furthest usual step counts.
    """
    places = {activity: place for place, activity in reversed(list(enumerate(usual)))}
    needed = Counter(usual)
    seen: Counter[str] = Counter()
    present = set(activities)
    reached = max((places[activity] for activity in activities if activity in places), default=-1)
    shown: set[str] = set()
    steps: list[dict[str, str]] = []

    def add(activity: str, kind: str, title: str) -> None:
        steps.append({"text": activity, "kind": kind, "colour": colours.get(activity, "#64748b"), "title": title})

    for activity in activities:
        for earlier in usual[: places.get(activity, 0)]:
            if earlier not in present and earlier not in shown and places[earlier] < reached:
                shown.add(earlier)
                add(earlier, "skipped", f"{earlier}: skipped here")
        seen[activity] += 1
        if activity not in places:
            add(activity, "extra", f"{activity}: not on the most frequent way")
        elif seen[activity] > needed[activity]:
            add(activity, "again", f"{activity}: once more")
        else:
            add(activity, "usual", activity)
    return steps
