"""The shipped models allow what is right and nothing that is plainly wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from o2c_mining.bridge import pm4py, r4pm
from o2c_mining.bridge.bpmn import BPMN, ReferenceModel
from o2c_mining.bridge.net import compact, reachable, soundness_problem
from o2c_mining.conformance.reference import reference_model
from o2c_mining.errors import ConfigError
from o2c_mining.trace.lanes import lanes
from tests.conformance.traces import (
    BAD,
    DELIVERY_BAD,
    DELIVERY_GOOD,
    GOOD,
    INVOICE_BAD,
    INVOICE_GOOD,
    trace,
)  # fmt: skip

LENSES = ("order", "delivery", "invoice")
TEAMS = {"Sales", "Credit", "Warehouse", "Billing", "Customer", "Receivables", "Collections"}


@pytest.fixture(scope="module")
def models() -> dict[str, ReferenceModel]:
    return {lens: reference_model(lens) for lens in LENSES}


@pytest.mark.parametrize(
    ("lens", "name", "text"),
    [
        *(("order", name, text) for name, text in GOOD.items()),
        *(("invoice", name, text) for name, text in INVOICE_GOOD.items()),
        *(("delivery", name, text) for name, text in DELIVERY_GOOD.items()),
    ],
)
def test_what_is_right_fits_without_a_deviation(
    models: dict[str, ReferenceModel], lens: str, name: str, text: str
) -> None:
    (alignment,) = r4pm.align(models[lens].net, [trace(text)])
    assert alignment is not None
    assert (alignment.deviations, alignment.fitness) == (0, 1.0), alignment.moves


@pytest.mark.parametrize(
    ("lens", "name", "text"),
    [
        *(("order", name, text) for name, text in BAD.items()),
        *(("invoice", name, text) for name, text in INVOICE_BAD.items()),
        *(("delivery", name, text) for name, text in DELIVERY_BAD.items()),
    ],
)
def test_what_is_wrong_deviates(models: dict[str, ReferenceModel], lens: str, name: str, text: str) -> None:
    (alignment,) = r4pm.align(models[lens].net, [trace(text)])
    assert alignment is not None
    assert alignment.deviations >= 1
    assert alignment.fitness < 1.0


@pytest.mark.parametrize("text", [GOOD["plain"], GOOD["partial delivery with backorder"], GOOD["prepaid"]])
def test_every_beginning_of_a_right_order_is_right_so_far(models: dict[str, ReferenceModel], text: str) -> None:
    whole = trace(text)
    beginnings = [whole[:length] for length in range(1, len(whole))]
    found = r4pm.align(models["order"].net, beginnings, so_far=True)
    assert [alignment.deviations for alignment in found if alignment] == [0] * len(beginnings)


def test_an_open_order_that_went_wrong_deviates_already(models: dict[str, ReferenceModel]) -> None:
    (alignment,) = r4pm.align(models["order"].net, [trace("CO QU OK CD AS GI")], so_far=True)
    assert alignment is not None and alignment.deviations == 1


@pytest.mark.parametrize("lens", LENSES)
def test_shipped_models_are_sound_by_our_walk_and_by_pm4py_s(models: dict[str, ReferenceModel], lens: str) -> None:
    from pm4py.objects.petri_net.utils.reachability_graph import construct_reachability_graph

    net = models[lens].net
    assert soundness_problem(net) is None
    petri, initial, final = pm4py.to_pm4py(net)
    graph = construct_reachability_graph(petri, initial)
    (end,) = (state for state in graph.states if not state.outgoing)
    assert set(final).pop().name in end.name
    alive, todo = {end}, [end]
    while todo:
        for arc in todo.pop().incoming:
            if arc.from_state not in alive:
                alive.add(arc.from_state)
                todo.append(arc.from_state)
    assert alive == graph.states
    assert len(graph.states) == len(reachable(net))


def test_the_invoice_model_is_sound_by_woflan(models: dict[str, ReferenceModel]) -> None:
    assert pm4py.is_sound(compact(models["invoice"].net))


def test_the_order_model_has_every_activity_in_its_team_s_lane(models: dict[str, ReferenceModel]) -> None:
    model = models["order"]
    assert len(model.net.activities) == 24
    assert set(model.lanes) == model.net.activities
    assert set(model.lanes.values()) == TEAMS - {"Credit"}
    assert model.lanes["Confirm Order"] == "Sales"
    assert {t for t in model.xml.split('<lane id="')[2].split("</lane>")[0].split() if "ConfirmOrder" in t}


@pytest.mark.parametrize("lens", LENSES)
def test_the_teams_read_for_the_log_are_the_model_s_lanes(
    models: dict[str, ReferenceModel], lens: str, tmp_path: Path
) -> None:
    file = tmp_path / "model.bpmn"
    file.write_text(models[lens].xml, encoding="utf-8")
    teams = lanes(file)
    assert {activity: teams[activity] for activity in models[lens].net.activities} == models[lens].lanes


@pytest.mark.parametrize("lens", LENSES)
def test_an_editor_can_draw_it(models: dict[str, ReferenceModel], lens: str) -> None:
    """Every element has a shape inside its lane, every flow an edge that starts and ends at its elements."""
    root = etree.fromstring(models[lens].xml.encode())
    name = {"b": BPMN, "di": "http://www.omg.org/spec/BPMN/20100524/DI", "dc": "http://www.omg.org/spec/DD/20100524/DC"}
    boxes = {}
    for shape in root.iterfind(".//di:BPMNShape", name):
        bounds = shape.find("dc:Bounds", name)
        boxes[shape.get("bpmnElement")] = [float(bounds.get(key)) for key in ("x", "y", "width", "height")]
    edges = {
        edge.get("bpmnElement"): [(float(p.get("x")), float(p.get("y"))) for p in edge.iter("{*}waypoint")]
        for edge in root.iterfind(".//di:BPMNEdge", name)
    }
    for lane in root.iterfind(".//b:lane", name):
        x, y, width, height = boxes[lane.get("id")]
        for reference in lane.iterfind("b:flowNodeRef", name):
            left, top, wide, high = boxes[reference.text]
            assert x <= left and left + wide <= x + width and y <= top and top + high <= y + height, reference.text
    for flow in root.iterfind(".//b:sequenceFlow", name):
        points = edges[flow.get("id")]
        for point, end in ((points[0], "sourceRef"), (points[-1], "targetRef")):
            left, top, wide, high = boxes[flow.get(end)]
            assert left <= point[0] <= left + wide and top <= point[1] <= top + high, flow.get("id")
        for end, tag in (("sourceRef", "outgoing"), ("targetRef", "incoming")):
            element = root.find(f".//*[@id='{flow.get(end)}']")
            assert flow.get("id") in [child.text for child in element.iterfind(f"b:{tag}", name)]


def test_tasks_do_not_overlap(models: dict[str, ReferenceModel]) -> None:
    for model in models.values():
        root = etree.fromstring(model.xml.encode())
        nodes = {
            e.get("id") for e in root.iter(*(f"{{{BPMN}}}{k}" for k in ("task", "exclusiveGateway", "parallelGateway")))
        }
        boxes = []
        for shape in root.iter("{*}BPMNShape"):
            if shape.get("bpmnElement") in nodes:
                boxes.append([float(shape.find("{*}Bounds").get(k)) for k in ("x", "y", "width", "height")])
        for i, (x, y, w, h) in enumerate(boxes):
            for u, v, a, b in boxes[i + 1 :]:
                assert x + w <= u or u + a <= x or y + h <= v or v + b <= y, (model.name, x, y, u, v)


def test_the_workspace_s_model_wins_and_an_unknown_lens_is_named(tmp_path: Path) -> None:
    own = reference_model("invoice").xml
    (tmp_path / "order_to_cash.bpmn").write_text(own, encoding="utf-8")
    assert "Create Order" not in reference_model("order", tmp_path).net.activities
    assert "Create Order" in reference_model("order", tmp_path / "nowhere").net.activities
    with pytest.raises(ConfigError, match=r"no reference model for lens 'customer'; shipped are delivery.*--model"):
        reference_model("customer", tmp_path)
