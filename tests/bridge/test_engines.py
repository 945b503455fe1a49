"""r4pm, pm4py and our own walks agree."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from o2c_mining.bridge import engine, pm4py, r4pm
from o2c_mining.bridge.alignment import Alignment, Variant
from o2c_mining.bridge.net import Transition, WorkflowNet, compact, reachable, soundness_problem
from o2c_mining.conformance.precision import precision
from o2c_mining.conformance.reference import reference_model
from o2c_mining.conformance.verdicts import fitness
from tests.conformance.traces import BAD, GOOD, INVOICE_BAD, INVOICE_GOOD, trace


def disturbed(seed: int, count: int) -> list[Variant]:
    """Good traces with events dropped, doubled, moved or replaced."""
    rng = random.Random(seed)
    texts, found = list(GOOD.values()), []
    for _ in range(count):
        events = list(trace(rng.choice(texts)))
        for _ in range(rng.randrange(4)):
            place = rng.randrange(len(events))
            kind = rng.randrange(4)
            if kind == 0 and len(events) > 1:
                events.pop(place)
            elif kind == 1:
                events.insert(place, rng.choice(events))
            elif kind == 2:
                other = rng.randrange(len(events))
                events[place], events[other] = events[other], events[place]
            else:
                events[place] = "Something Else"
        found.append(tuple(events))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_both_engines_find_the_same_cost_and_fitness(seed: int) -> None:
    net = reference_model("order").net
    variants = list(dict.fromkeys(disturbed(seed, 25)))
    ours = [alignment for alignment in r4pm.align(net, variants) if alignment is not None]
    theirs = pm4py.align(net, variants)
    assert len(ours) == len(variants)
    for variant, one, other in zip(variants, ours, theirs, strict=True):
        assert (one.cost, one.worst_cost) == (other.cost, other.worst_cost), variant
        assert one.fitness == pytest.approx(other.fitness, abs=1e-12)


@pytest.mark.slow
def test_our_reading_of_a_file_gives_pm4py_s_figures(tmp_path: Path) -> None:
    """The same file read, translated and aligned by pm4py alone: equal costs, average and log fitness."""
    from pm4py.algo.evaluation.replay_fitness.variants import alignment_based

    model = reference_model("order")
    file = tmp_path / "order.bpmn"
    file.write_text(model.xml, encoding="utf-8")
    variants = list(dict.fromkeys(disturbed(4, 20)))
    theirs = pm4py.align_file(file, variants)
    ours = [alignment for alignment in r4pm.align(model.net, variants) if alignment is not None]
    assert [(one.cost, one.worst_cost) for one in ours] == [(other.cost, other.worst_cost) for other in theirs]
    cases = [1 + number % 4 for number in range(len(variants))]
    rows = [
        {"fitness": other.fitness, "cost": other.cost, "bwc": other.worst_cost}
        for other, count in zip(theirs, cases, strict=True)
        for _ in range(count)
    ]
    expected = alignment_based.evaluate(rows)
    average, log = fitness(list(zip(ours, cases, strict=True)))
    assert average == pytest.approx(expected["average_trace_fitness"], abs=1e-9)
    assert log == pytest.approx(expected["log_fitness"], abs=1e-9)


def test_fewer_silent_steps_change_no_verdict() -> None:
    net = reference_model("order").net
    small = compact(net)
    assert len(reachable(small)) < len(reachable(net)) / 10
    variants = disturbed(5, 60)
    for one, other in zip(r4pm.align(net, variants), r4pm.align(small, variants), strict=True):
        assert one is not None and other is not None and one.deviations == other.deviations


def test_the_moves_of_an_alignment_are_the_trace_and_a_run_of_the_model() -> None:
    net = reference_model("order").net
    for variant, alignment in zip(disturbed(3, 40), r4pm.align(net, disturbed(3, 40)), strict=True):
        assert alignment is not None
        assert tuple(seen for seen, _ in alignment.moves if seen is not None) == variant
        run = tuple(done for _, done in alignment.moves if done is not None)
        (again,) = r4pm.align(net, [run])
        assert again is not None and again.deviations == 0
        assert alignment.deviations == sum(seen != done for seen, done in alignment.moves)


def test_an_empty_trace_skips_the_shortest_run() -> None:
    (alignment,) = r4pm.align(reference_model("order").net, [()])
    assert alignment is not None
    assert [done for _, done in alignment.moves] == ["Create Order", "Cancel Order"]
    assert alignment.fitness == 0.0


def test_too_few_states_give_no_answer_instead_of_a_wrong_one() -> None:
    assert r4pm.align(reference_model("order").net, [trace(GOOD["plain"])], max_states=2) == [None]


@pytest.mark.slow
def test_pm4py_takes_over_where_r4pm_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    net = reference_model("order").net
    whole, begun = trace(BAD["never billed"]), trace("CO QU OK CD AS GI")
    usual = [*engine.align(net, [whole]), *engine.align(net, [begun], so_far=True)]
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    monkeypatch.setattr(r4pm, "align", None)
    other = [*engine.align(net, [whole]), *engine.align(net, [begun], so_far=True)]
    assert [a.deviations for a in other if a] == [a.deviations for a in usual if a] == [3, 1]


def test_fitness_by_hand() -> None:
    perfect = Alignment(cost=3, worst_cost=120_000, moves=())
    poor = Alignment(cost=20_001, worst_cost=100_000, moves=())
    average, log = fitness([(perfect, 3), (poor, 1)])
    assert average == pytest.approx((3 * 1.0 + (1 - 2 / 10)) / 4)
    assert log == pytest.approx(1 - (3 * 3 + 20_001) / (3 * 120_000 + 100_000))
    assert fitness([]) == (None, None)


@pytest.mark.slow
def test_precision_equals_pm4py_s() -> None:
    """On a model whose states are all reached with the fewest silent steps: pm4py looks at no other."""
    net = reference_model("invoice").net
    texts = [*INVOICE_GOOD.values(), *INVOICE_BAD.values()]
    variants = {trace(text): 1 + index % 3 for index, text in enumerate(texts)}
    assert precision(net, variants) == pytest.approx(pm4py.precision(compact(net), variants), abs=1e-9)


def test_precision_by_hand() -> None:
    net = WorkflowNet(
        "a then b or c",
        ("start", "end", "middle"),
        (Transition("1", "a", (0,), (2,)), Transition("2", "b", (2,), (1,)), Transition("3", "c", (2,), (1,))),
        start=0,
        end=1,
    )
    assert precision(net, {("a", "b"): 1}) == pytest.approx(2 / 3)
    assert precision(net, {("a", "b"): 1, ("a", "c"): 1}) == 1.0
    assert precision(net, {("a", "b"): 3, ("x", "b"): 1}) == pytest.approx(1 - 3 / 10)
    assert precision(net, {}) is None


def step(name: str, consumes: tuple[int, ...], produces: tuple[int, ...]) -> Transition:
    return Transition(name, name, consumes, produces)


@pytest.mark.parametrize(
    ("places", "steps", "problem"),
    [
        (3, [step("a", (0,), (2,)), step("b", (2,), (1,))], None),
        (4, [step("a", (0,), (2, 3)), step("b", (2,), (1,))], "while work remains"),
        (4, [step("a", (0,), (2, 3)), step("b", (2, 3), (1,)), step("c", (2,), ())], "stuck"),
        (3, [step("a", (0,), (2,)), step("b", (2,), (2, 2)), step("c", (2,), (1,))], "while work remains"),
        (4, [step("a", (0,), (1,)), step("b", (3,), (1,))], "these steps can never happen: b"),
    ],
)
def test_soundness_is_judged_as_woflan_judges_it(places: int, steps: list[Transition], problem: str | None) -> None:
    net = WorkflowNet("test", tuple(f"p{i}" for i in range(places)), tuple(steps), start=0, end=1)
    found = soundness_problem(net)
    assert (found is None) == (problem is None) and (problem is None or problem in str(found))
    assert pm4py.is_sound(net) == (problem is None)


def test_neither_engine_prints(capfd: pytest.CaptureFixture[str]) -> None:
    net = reference_model("invoice").net
    r4pm.align(net, [trace("CI PO CL")])
    pm4py.align(net, [trace("CI PO CL")])
    assert capfd.readouterr() == ("", "")
