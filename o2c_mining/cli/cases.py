"""``o2c cases`` and ``o2c case``: the cases as a list, and the whole story of one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, span, table
from o2c_mining.cli.filters import CASES, LensOption, filtered_by

if TYPE_CHECKING:
    from o2c_mining.trace.select import ObjectFilter


@filtered_by(CASES)
def cases(
    *,
    chosen: ObjectFilter,
    limit: Annotated[int, typer.Option("--limit", help="How many to list, newest first.")] = 50,
) -> None:
    """The cases themselves, newest first."""
    import ibis

    from o2c_mining.log.money import major

    traces = common.traces(chosen)
    reader = traces.log.reader
    total = reader.count(traces.cases)
    found = reader.rows(
        traces.cases.select(
            "case_id", "number", "opened_at", "closed_at", "end_kind", "events", "amount_minor", "currency"
        )
        .order_by(ibis.desc("opened_at"), "case_id")
        .limit(limit)
    )
    for row in found:
        minor = row.pop("amount_minor")
        row["value"] = None if minor is None else major(minor, row["currency"] or "EUR")
    rows = [
        (
            r["number"] or r["case_id"],
            f"{r['opened_at']:%Y-%m-%d}",
            r["end_kind"] or "open",
            r["events"],
            f"{r['value'] or '-'} {r['currency'] or ''}",
        )
        for r in found
    ]
    text = table(("number", "opened", "state", "events", "value"), rows, right=(3, 4))
    emit(
        {"lens": traces.lens.object_type, "total": total, "cases": found}, f"{len(found)} of {total:,} cases\n\n{text}"
    )


def case(
    number: Annotated[str, typer.Argument(metavar="ID", help="Any document number or object id")],
    lens: LensOption = None,
) -> None:
    """The whole story of a document, with the source rows behind it."""
    from o2c_mining.analysis.case_story import case_story

    stories = case_story(common.log(), number, lens)
    parts = []
    for story in stories:
        documents = ", ".join(
            f"{o.object_type} {o.number or o.object_id}"
            for o in story.objects
            if o.number or o.object_type == story.lens
        )
        rows = [
            (
                f"{e.time:%Y-%m-%d}" if e.precision == "day" else f"{e.time:%Y-%m-%d %H:%M}",
                e.activity,
                e.team + (" ⇐ handoff" if e.handoff else ""),
                " ".join(e.objects),
                "" if e.elapsed_seconds is None else span(e.elapsed_seconds),
                f"{e.source_table or ''}:{e.source_key or ''}",
            )
            for e in story.events
        ]
        head = f"{story.lens} {story.number or story.case_id}: {story.end_kind or 'open'}\n{documents}\n\n"
        parts.append(head + table(("time (UTC)", "activity", "team", "documents", "until next", "source"), rows))
    emit({"cases": stories}, "\n\n".join(parts))
