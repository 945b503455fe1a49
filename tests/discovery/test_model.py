"""A discovered model allows what it was made from, can be drawn, and is read by other programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from o2c_mining.bridge import pm4py, r4pm
from o2c_mining.bridge.alignment import Variant
from o2c_mining.bridge.bpmn import parse_bpmn
from o2c_mining.bridge.tree import ProcessTree
from o2c_mining.discovery.layout import Drawing, layout
from o2c_mining.discovery.model import discover
from o2c_mining.errors import AnalysisError
from tests.conformance.traces import GOOD, trace

VARIANTS: dict[Variant, int] = {trace(text): 1 + number % 4 for number, text in enumerate(GOOD.values())}


@pytest.fixture(scope="module")
def bpmn() -> str:
    return discover(VARIANTS, "bpmn")


def test_every_variant_fits_the_model_discovered_from_it(bpmn: str) -> None:
    net = parse_bpmn(bpmn.encode(), "discovered").net
    assert net.activities == {activity for variant in VARIANTS for activity in variant}
    assert [found.deviations for found in r4pm.align(net, list(VARIANTS)) if found] == [0] * len(VARIANTS)


def test_pm4py_reads_both_files_and_finds_the_same(bpmn: str, tmp_path: Path) -> None:
    from pm4py.objects.petri_net.importer import importer

    (tmp_path / "m.bpmn").write_text(bpmn, encoding="utf-8")
    (tmp_path / "m.pnml").write_text(discover(VARIANTS, "pnml"), encoding="utf-8")
    sample = [trace(GOOD["plain"]), trace(GOOD["lost"]), ("Create Order", "Clear Invoice")]
    ours = r4pm.align(parse_bpmn(bpmn.encode(), "m").net, sample)
    theirs = pm4py.align_file(tmp_path / "m.bpmn", sample)
    assert [one.cost for one in ours if one] == [other.cost for other in theirs]
    petri, initial, final = importer.apply(str(tmp_path / "m.pnml"))
    assert {t.label for t in petri.transitions if t.label} == {a for variant in VARIANTS for a in variant}
    assert (len(initial), len(final)) == (1, 1)


def test_noise_leaves_rare_behaviour_out() -> None:
    variants: dict[Variant, int] = {("a", "b", "c"): 99, ("c", "a", "b"): 1}
    assert "parallelGateway" in discover(variants, "bpmn")
    assert "parallelGateway" not in discover(variants, "bpmn", noise=0.2)


def test_no_case_and_bad_noise_are_refused() -> None:
    with pytest.raises(AnalysisError, match="no case is chosen"):
        discover({}, "bpmn")
    with pytest.raises(AnalysisError, match="noise 2"):
        discover({("a",): 1}, "bpmn", noise=2)


def boxes(drawing: Drawing) -> list[tuple[float, float, float, float]]:
    return [(n.x - n.width / 2, n.y - n.height / 2, n.x + n.width / 2, n.y + n.height / 2) for n in drawing.nodes]


LEAVES = st.one_of(
    st.just(ProcessTree("silent", None, ())),
    st.sampled_from("abcdef").map(lambda name: ProcessTree("activity", name, ())),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda kind, parts: ProcessTree(kind, None, tuple(parts)),
            st.sampled_from(["sequence", "choice", "parallel"]),
            st.lists(inner, min_size=2, max_size=3),
        ),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: ProcessTree("loop", None, tuple(parts))),
    ),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_no_two_elements_overlap_and_every_flow_touches_its_elements(tree: ProcessTree) -> None:
    drawing = layout(tree)
    placed = boxes(drawing)
    for i, (left, top, right, bottom) in enumerate(placed):
        assert left >= 0 and top >= 0 and right <= drawing.width and bottom <= drawing.height
        for other in placed[i + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    at = {node.id: box for node, box in zip(drawing.nodes, placed, strict=True)}
    for flow in drawing.flows:
        for (x, y), (left, top, right, bottom) in (
            (flow.points[0], at[flow.source]),
            (flow.points[-1], at[flow.target]),
        ):
            assert left <= x <= right and top <= y <= bottom
        for (x, y), (u, v) in zip(flow.points, flow.points[1:], strict=False):
            assert x == u or y == v


LOGS = st.dictionaries(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=5).map(tuple), st.integers(1, 9), min_size=1, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(LOGS)
def test_any_log_gives_a_readable_sound_model_that_allows_it(variants: dict[Variant, int]) -> None:
    text = discover(variants, "bpmn")
    etree.fromstring(text.encode())
    net = parse_bpmn(text.encode(), "m").net
    assert [found.deviations for found in r4pm.align(net, list(variants)) if found] == [0] * len(variants)
