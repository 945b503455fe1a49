"""Our conformance figures equal pm4py's on the whole sample company, computed by pm4py alone from the same file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from o2c_mining.bridge import pm4py, r4pm
from o2c_mining.conformance.case_data import cases_of
from o2c_mining.conformance.conformance import conformance
from o2c_mining.conformance.reference import reference_model
from o2c_mining.log.event_log import EventLog
from o2c_mining.trace.select import ObjectFilter, select

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("lens", ["order", "invoice"])
def test_every_variant_has_pm4py_s_alignment_cost_and_the_log_its_fitness(
    log: EventLog, lens: str, tmp_path: Path
) -> None:
    model = reference_model(lens)
    file = tmp_path / "model.bpmn"
    file.write_text(model.xml, encoding="utf-8")
    traces = select(log, ObjectFilter(lens=lens))
    variants = Counter(case.orders[0] for case in cases_of(traces) if case.is_closed)
    ours = [found for found in r4pm.align(model.net, list(variants)) if found is not None]
    theirs = pm4py.align_file(file, list(variants))
    assert [(one.cost, one.worst_cost) for one in ours] == [(other.cost, other.worst_cost) for other in theirs]
    result = conformance(traces, model)
    weighted = list(zip(theirs, variants.values(), strict=True))
    cases = sum(variants.values())
    average = sum((1 - (a.cost // 10_000) / (a.worst_cost // 10_000)) * n for a, n in weighted) / cases
    of_log = 1 - sum(a.cost * n for a, n in weighted) / sum(a.worst_cost * n for a, n in weighted)
    assert result.cases == cases
    assert result.fitness.average == pytest.approx(average, abs=1e-9)
    assert result.fitness.log == pytest.approx(of_log, abs=1e-9)
    print(
        f"{lens}: {len(variants)} variants of {cases} closed cases, fitness {average:.12f} average, {of_log:.12f} log"
    )
