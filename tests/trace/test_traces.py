"""Traces against hand-made numbers and against the slow reference."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from o2c_mining.analysis.handoffs import handoffs
from o2c_mining.analysis.process_map import process_map
from o2c_mining.config import Config
from o2c_mining.log.event_log import EventLog, Settings
from o2c_mining.trace import segments
from o2c_mining.trace.lens import FLOW, lens_of
from o2c_mining.trace.select import ObjectFilter, select
from tests import reference
from tests.micro import LANES, at, load, one_order, open_micro

ACTIVITIES = {
    "order": ["Create Order", "Confirm Order", "Change Order"],
    "delivery": ["Create Delivery", "Post Goods Issue"],
    "invoice": ["Create Invoice", "Post Invoice", "Clear Invoice"],
}


def test_an_order_runs_from_creation_to_clearing(tmp_path: Path) -> None:
    log = open_micro(one_order(tmp_path))
    traces = select(log)
    (case,) = log.reader.rows(traces.cases)
    assert (case["events"], case["end_kind"], case["closed_at"]) == (7, "completed", at("2026-01-14 09:00"))
    steps = log.reader.rows(traces.pairs.order_by("seq"))
    assert [step["enabled_activity"] for step in steps[:-1]] == [
        "Create Order",
        "Confirm Order",
        "Create Delivery",
        "Post Goods Issue",
        "Create Invoice",
        "Post Invoice",
    ]
    assert [step["handoff"] for step in steps] == [False, True, False, True, False, True, False]
    assert steps[-1]["is_end"] and steps[-1]["elapsed_seconds"] is None


def test_a_node_lies_where_its_events_lie_in_their_cases(tmp_path: Path) -> None:
    found = process_map(select(open_micro(one_order(tmp_path))))
    assert sorted(node.position for node in found.nodes) == [place / 8 for place in range(1, 8)]


def test_nothing_after_as_of_exists_and_the_open_segment_runs_to_it(tmp_path: Path) -> None:
    log = open_micro(one_order(tmp_path), as_of=at("2026-01-08 10:00"))
    traces = select(log)
    (case,) = log.reader.rows(traces.cases)
    assert (case["events"], case["closed_at"]) == (5, None)
    last = log.reader.rows(traces.pairs.order_by("seq"))[-1]
    assert (last["is_open"], last["elapsed_seconds"]) == (True, 2 * 86400.0)


def test_objects_born_after_as_of_are_gone(tmp_path: Path) -> None:
    log = open_micro(one_order(tmp_path), as_of=at("2026-01-06 09:00"))
    types = {row["object_type"] for row in log.reader.rows(log.objects.select("object_type").distinct())}
    assert types == {"order", "delivery"}


def test_day_stamps_of_the_same_day_have_no_known_order(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=[
            ("e1", "Create Order", "2026-01-05 00:00", ["o1"]),
            ("e2", "Confirm Order", "2026-01-05 11:00", ["o1"]),
            ("e3", "Change Order", "2026-01-06 11:00", ["o1"]),
        ],
        objects=[("o1", "order", 1)],
        precision={"e1": "day"},
    )
    log = open_micro(store)
    steps = log.reader.rows(select(log).pairs.order_by("seq"))
    assert [step["order_known"] for step in steps] == [False, True, True]


def test_a_second_invoice_is_not_handed_over_from_the_first(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=[
            ("e1", "Create Order", "2026-01-05 09:00", ["o1"]),
            ("e2", "Post Goods Issue", "2026-01-06 09:00", ["d1"]),
            ("e3", "Post Goods Issue", "2026-01-06 10:00", ["d2"]),
            ("e4", "Post Invoice", "2026-01-07 09:00", ["i1"]),
            ("e5", "Post Invoice", "2026-01-08 09:00", ["i2"]),
        ],
        objects=[(o, k, 1) for o, k in (("o1", "order"), ("d1", "delivery"), ("d2", "delivery"))]
        + [("i1", "invoice", 1), ("i2", "invoice", 1)],
        relations=[("o1", "d1"), ("o1", "d2"), ("d1", "i1"), ("d2", "i2")],
    )
    log = open_micro(store)
    steps = log.reader.rows(select(log).pairs.order_by("seq"))
    ids = [None if s["enabled_seq"] is None else steps[s["enabled_seq"]]["event_id"] for s in steps]
    assert ids == ["e1", "e1", "e2", "e3", None]


def test_a_collective_invoice_is_in_each_case_and_counted_once(tmp_path: Path) -> None:
    store = load(
        tmp_path,
        events=[
            ("e1", "Create Order", "2026-01-05 09:00", ["o1"]),
            ("e2", "Create Order", "2026-01-05 10:00", ["o2"]),
            ("e3", "Post Invoice", "2026-01-06 09:00", ["i1"]),
        ],
        objects=[("o1", "order", 1), ("o2", "order", 1), ("i1", "invoice", 2)],
        relations=[("o1", "i1"), ("o2", "i1")],
    )
    found = process_map(select(open_micro(store)))
    posted = next(node for node in found.nodes if node.activity == "Post Invoice")
    assert (posted.events, posted.occurrences, posted.cases, found.shared_events) == (1, 2, 2, 1)


@st.composite
def companies(draw: st.DrawFn) -> tuple[list[tuple[str, str, str, list[str]]], list[tuple[str, str]], dict[str, str]]:
    """Small logs: objects of three types, relations along the flow, events at coarse times so that ties occur."""
    types: dict[str, str] = {}
    for kind in ACTIVITIES:
        for n in range(draw(st.integers(1, 3))):
            types[f"{kind[0]}{n}"] = kind
    pairs = [
        (a, b)
        for a, ka in types.items()
        for b, kb in types.items()
        if (ka, kb) in {("order", "delivery"), ("delivery", "invoice"), ("order", "invoice")}
    ]
    relations = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6))
    events = []
    for index in range(draw(st.integers(1, 14))):
        owner = draw(st.sampled_from(sorted(types)))
        activity = draw(st.sampled_from(ACTIVITIES[types[owner]]))
        when = datetime(2026, 1, 1) + timedelta(hours=6 * draw(st.integers(0, 12)))  # noqa: DTZ001
        other = draw(st.lists(st.sampled_from(sorted(types)), max_size=1))
        events.append((f"e{index:02d}", activity, when.isoformat(" "), sorted({owner, *other})))
    return events, relations, types


@given(companies())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
def test_segments_equal_the_reference_and_the_ledger_adds_up(
    company: tuple[list[tuple[str, str, str, list[str]]], list[tuple[str, str]], dict[str, str]],
) -> None:
    events, relations, types = company
    with TemporaryDirectory() as folder:
        store = load(
            Path(folder),
            events=events,
            objects=[(name, kind, 100 * (i + 1)) for i, (name, kind) in enumerate(sorted(types.items()))],
            relations=relations,
        )
        log = open_micro(store)
        traces = select(log, ObjectFilter(lens="order"))
        lens = lens_of("order", set(types.values()))
        assert set(lens.edges) <= set(FLOW)
        closed = {row["case_id"]: row["closed_at"] is not None for row in log.reader.rows(traces.cases)}
        plain = [
            (n, a, datetime.fromisoformat(t).replace(tzinfo=UTC), i, tuple(o)) for i, (n, a, t, o) in enumerate(events)
        ]
        expected: Counter[reference.Step] = Counter()
        seconds = value_days = 0.0
        cases = 0
        amounts = {name: 100 * (i + 1) for i, name in enumerate(sorted(types))}
        for case in (name for name, kind in types.items() if kind == "order"):
            inside = reference.members(case, types, relations, lens.edges)
            ordered = reference.case_events(plain, inside)
            if not ordered:
                assert case not in closed
                continue
            cases += 1
            steps = reference.steps(ordered, inside, relations, None if closed[case] else log.as_of)
            expected.update(steps)
            seconds += sum(step.seconds for step in steps)
            value_days += sum(step.seconds for step in steps) * amounts[case] / 100 / 86400
        rows = log.reader.rows(traces.pairs.filter(~traces.pairs.is_end))
        actual = Counter(
            reference.Step(r["activity"], r["next_activity"], r["elapsed_seconds"], r["enabled_activity"]) for r in rows
        )
        assert actual == expected
        found = process_map(traces)
        assert sum(edge.count for edge in found.edges) == sum(node.occurrences for node in found.nodes) - cases
        ledger = handoffs(traces)
        assert abs(sum(row.sum_seconds for row in ledger.rows) - seconds) < 1e-6
        assert abs(ledger.total_seconds - seconds) < 1e-6
        assert abs(sum(row.value_days for row in ledger.rows) - value_days) < 1e-6
        assert abs(ledger.total_value_days - value_days) < 1e-6


@given(companies(), st.integers(0, 13))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
def test_loading_in_two_batches_gives_the_same_traces(
    company: tuple[list[tuple[str, str, str, list[str]]], list[tuple[str, str]], dict[str, str]], cut: int
) -> None:
    events, relations, types = company
    objects = [(name, kind, 100) for name, kind in sorted(types.items())]
    with TemporaryDirectory() as once, TemporaryDirectory() as twice:
        whole = open_micro(load(Path(once), events=events, objects=objects, relations=relations))
        # the second batch repeats the first (same ids, newer versions) so that source_seq stays the same
        load(Path(twice), events=events[: max(cut, 1)], objects=objects, relations=relations[:2])
        parts = open_micro(load(Path(twice), events=events, objects=objects, relations=relations))
        for lens in ("order", "delivery", "invoice"):
            a, b = (select(log, ObjectFilter(lens=lens)) for log in (whole, parts))
            for name in ("cases", "pairs", "members"):
                left = [_bare(r) for r in whole.reader.rows(getattr(a, name))]
                right = [_bare(r) for r in parts.reader.rows(getattr(b, name))]
                assert sorted(left) == sorted(right), set(left) ^ set(right)


# how things are numbered depends on the loads before
_NUMBERS = ("refresh_seq", "case_no", "kind", "last_kind", "variant_no")


def _bare(row: dict[str, object]) -> str:
    return repr(sorted((key, value) for key, value in row.items() if key not in _NUMBERS))


def test_a_changed_setting_counts_before_the_next_load(tmp_path: Path) -> None:
    store = one_order(tmp_path)
    moved = Settings(config=Config(), lanes={**LANES, "Post Invoice": "Shared services"})
    log = open_micro(store, with_settings=moved)
    teams = {row["activity"]: row["team"] for row in log.reader.rows(select(log).pairs)}
    assert teams["Post Invoice"] == "Shared services"


def test_segments_gathered_in_parts_say_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A log too large to be put in order at once is taken by parts."""
    names = [f"o{n}" for n in range(7)]
    steps = ("Create Order", "Confirm Order", "Cancel Order")
    events = [
        (f"{name}-{step}", steps[step], f"2026-01-{5 + step + n:02d} 09:00", [name])
        for n, name in enumerate(names)
        for step in range(1 + n % 3)
    ]
    store = load(tmp_path, events=events, objects=[(name, "order", 100) for name in names])

    def asked(log: EventLog) -> list[object]:
        chosen = [select(log), select(log, ObjectFilter(with_=("Confirm Order",)))]
        return [question(traces) for traces in chosen for question in (process_map, handoffs)]

    whole = asked(open_micro(store))
    monkeypatch.setattr(segments, "AT_ONCE", 4)
    log = open_micro(store)
    coded = select(log).coded
    taken = [log.reader.count(part(coded.pairs)) for part in segments._parts(log, coded)]
    assert (sum(taken), len(taken)) == (len(events), 4)
    assert asked(log) == whole
