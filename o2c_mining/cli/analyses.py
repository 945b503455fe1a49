"""The analyses on the command line: each takes the shared filters, calls one function and prints its result."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import (
    FromOption,
    LensOption,
    TimeOption,
    ToOption,
    VariantOption,
    WhereOption,
    WithOption,
    WithoutOption,
    emit,
    span,
    table,
)
from o2c_mining.errors import ConfigError


def summary(
    lens: LensOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    where: WhereOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    variant: VariantOption = None,
) -> None:
    """What is in the log, or in the chosen cases: events, objects, cases, sources, findings."""
    from o2c_mining.analysis.summary import summary as analysis

    result = analysis(common.log(), common.object_filter(lens, from_, to, where, with_, without, variant))
    lines = [
        f"{result.events:,} events of {result.activities} activities{_between(result.first_event, result.last_event)}",
        f"{sum(result.objects.values()):,} objects: "
        + ", ".join(f"{count:,} {name}" for name, count in result.objects.items()),
        f"{result.cases:,} cases of lens {result.lens} ({result.open_cases:,} open), {result.variants:,} variants, "
        f"{result.shared_events:,} events shared by several cases"
        + (f"; {result.objects_without_event:,} have no event" if result.objects_without_event else ""),
        "sources: " + ", ".join(f"{name} {count:,}" for name, count in result.sources.items()),
        f"quarantined rows: {result.quarantined:,}; findings: {result.findings['error']:,} errors, "
        f"{result.findings['warning']:,} warnings (`o2c check` lists them)",
        f"version {result.version}",
    ]
    emit(result, "\n".join(lines))


def _between(first: datetime | None, last: datetime | None) -> str:
    return f", {first:%Y-%m-%d} to {last:%Y-%m-%d}" if first is not None and last is not None else ""


def map_(
    lens: LensOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    where: WhereOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    variant: VariantOption = None,
    time: Annotated[str, typer.Option("--time", metavar="working|calendar")] = "calendar",
    format_: Annotated[str, typer.Option("--format", metavar="json|svg|bpmn|pnml", help="How to print it.")] = "text",
) -> None:
    """The process map: which activity follows which, how often and how fast."""
    from o2c_mining.analysis.process_map import process_map

    if format_ not in ("text", "json", "svg", "bpmn", "pnml"):
        raise ConfigError(f"--format {format_!r} is unknown; expected text, json, svg, bpmn or pnml; correct it")
    traces = common.traces(common.object_filter(lens, from_, to, where, with_, without, variant))
    if format_ in ("bpmn", "pnml"):
        from o2c_mining.analysis.variants import variants as analysis
        from o2c_mining.discovery.model import discover

        sequences = {found.activities: found.cases for found in analysis(traces).variants}
        emit({"format": format_, "model": (text := discover(sequences, "bpmn" if format_ == "bpmn" else "pnml"))}, text)
        return
    result = process_map(traces, working=common.working_time(time, traces.log))
    if format_ == "svg":
        from o2c_mining.discovery.svg import Arrow, Box, draw

        boxes = [Box(node.activity, f"cases: {node.cases:,}", node.position) for node in result.nodes]
        text = draw(boxes, [Arrow(edge.from_, edge.to, edge.count, f"{edge.count:,}") for edge in result.edges])
        emit({"format": format_, "model": text}, text)
        return
    if format_ == "json":
        common.current.json = True
    rows = [
        (edge.from_, edge.to, f"{edge.count:,}", f"{edge.cases:,}", span(edge.median_seconds), span(edge.p90_seconds))
        for edge in result.edges[:40]
    ]
    text = table(("from", "to", "count", "cases", "median", "p90"), rows, right=(2, 3, 4, 5))
    more = f"\n... and {len(result.edges) - 40} rarer edges" if len(result.edges) > 40 else ""
    emit(result, f"{result.cases:,} cases of lens {result.lens}, {len(result.nodes)} activities\n\n{text}{more}")


def variants(
    lens: LensOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    where: WhereOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    variant: VariantOption = None,
    limit: Annotated[int | None, typer.Option("--limit", help="How many to list (default: all, 20 as text).")] = None,
) -> None:
    """Distinct sequences of activities, most frequent first."""
    from o2c_mining.analysis.variants import variants as analysis

    traces = common.traces(common.object_filter(lens, from_, to, where, with_, without, variant))
    result = analysis(traces, limit if limit is not None or common.current.json else 20)
    rows = [
        (f"#{v.rank}", f"{v.cases:,}", f"{100 * v.share:.1f} %", span(v.median_seconds), " > ".join(v.activities))
        for v in result.variants
    ]
    text = table(("rank", "cases", "share", "median", "activities"), rows, right=(1, 2, 3))
    emit(result, f"{result.total:,} variants of {result.cases:,} cases\n\n{text}")


def handoffs(
    lens: LensOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    where: WhereOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    variant: VariantOption = None,
    time: TimeOption = None,
) -> None:
    """The ledger: where all the time between order and cash goes, and what it costs."""
    from o2c_mining.analysis.handoffs import handoffs as analysis

    traces = common.traces(common.object_filter(lens, from_, to, where, with_, without, variant))
    result = analysis(traces, working=common.working_time(time, traces.log))
    rows: list[tuple[object, ...]] = [
        (
            f"{row.from_team} → {row.to_team}",
            f"{row.from_activity} → {row.to_activity}",
            f"{row.count:,}",
            span(row.median_seconds),
            span(row.p90_seconds),
            f"{row.ours_value_days:,.0f}",
            f"{row.terms_value_days:,.0f}",
            f"{row.late_value_days:,.0f}",
            row.cost,
        )
        for row in result.rows[:25]
    ]
    unit = f"{result.currency}-days"
    headers = ("teams", "activities", "count", "median", "p90", f"ours ({unit})", "agreed terms", "late", "cost")
    rest = result.rows[25:]
    if rest:
        sums = [sum(getattr(r, n) for r in rest) for n in ("ours_value_days", "terms_value_days", "late_value_days")]
        rows.append(
            (
                "other",
                f"{len(rest)} more cells",
                f"{sum(r.count for r in rest):,}",
                "",
                "",
                *(f"{s:,.0f}" for s in sums),
                "",
            )
        )
    head = (
        f"{result.cases:,} cases, {result.time} time: {result.total_seconds / 86400:,.1f} days, "
        f"{result.total_value_days:,.0f} {unit} at {float(result.annual_rate):.1%} a year "
        f"(ours {result.ours_value_days:,.0f}, agreed terms {result.terms_value_days:,.0f}, "
        f"late {result.late_value_days:,.0f})"
    )
    emit(result, head + "\n\n" + table(headers, rows, right=(2, 3, 4, 5, 6, 7, 8)))


def durations(
    a: Annotated[str, typer.Argument(help="From this activity", metavar="FROM")],
    b: Annotated[str, typer.Argument(help="to this one", metavar="TO")],
    lens: LensOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    where: WhereOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    variant: VariantOption = None,
    time: TimeOption = None,
) -> None:
    """How long from one activity to another, open cases counted (Kaplan-Meier)."""
    from o2c_mining.analysis.durations import durations as analysis

    traces = common.traces(common.object_filter(lens, from_, to, where, with_, without, variant))
    result = analysis(traces, a, b, working=common.working_time(time, traces.log))
    low, high = result.median_ci
    emit(
        result,
        f"{a} → {b} ({result.time} time): median incl. open cases {span(result.median_seconds)} "
        f"[{span(low)}, {span(high)}], p90 {span(result.p90_seconds)}\n"
        f"{result.completed:,} completed, {result.open:,} not ({result.ended_without:,} of them ended without it), "
        f"{result.already_done:,} left out because {b} came first; "
        f"the completed alone would say {span(result.naive_median_seconds)}",
    )


def cases(
    lens: LensOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    where: WhereOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    variant: VariantOption = None,
    limit: Annotated[int, typer.Option("--limit", help="How many to list, newest first.")] = 50,
) -> None:
    """The cases themselves, newest first."""
    import ibis

    from o2c_mining.log.money import major

    traces = common.traces(common.object_filter(lens, from_, to, where, with_, without, variant))
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


def kpis(
    ids: Annotated[list[str] | None, typer.Argument(help="KPI ids (default: all)")] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="DATE", help="Start of the period.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="End of the period (not included).")] = None,
    where: WhereOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    variant: VariantOption = None,
    lens: LensOption = None,
) -> None:
    """Key figures with numerator, denominator, interval and what they leave out."""
    from o2c_mining.analysis.kpis import kpis as analysis

    if lens not in (None, "order"):
        raise ConfigError(f"key figures follow orders, not {lens}; expected --lens order or none; leave --lens out")
    result = analysis(common.log(), common.object_filter(None, from_, to, where, with_, without, variant), ids or ())
    rows = []
    for kpi in result.kpis:
        value = "-" if kpi.value is None else f"{kpi.value:,.1f} {kpi.unit}"
        bounds = "" if kpi.low is None else f"{kpi.low:,.1f} to {'?' if kpi.high is None else f'{kpi.high:,.1f}'}"
        of = f"{kpi.numerator}" + (f" / {kpi.denominator}" if kpi.denominator is not None else "")
        without_ = ", ".join(f"{e.count} {e.reason}" for e in kpi.excluded)
        rows.append((kpi.title, value, bounds, of, without_))
    head = f"{result.from_:%Y-%m-%d} to {result.to:%Y-%m-%d}, as of {result.as_of:%Y-%m-%d %H:%M} UTC\n\n"
    emit(result, head + table(("KPI", "value", "95 % interval", "from", "left out"), rows, right=(1,)))
