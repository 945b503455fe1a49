"""Do the cases follow the reference model, and what do deviations cost?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from o2c_mining.bridge.bpmn import ReferenceModel
from o2c_mining.conformance.case_data import Case, cases_of
from o2c_mining.conformance.cross_object import INVOICE_BEFORE_SHIPMENT, InvoiceOfOrder, invoice_before_shipment
from o2c_mining.conformance.precision import precision
from o2c_mining.conformance.verdicts import Alignments, Find, Judgement, Verdict, fitness
from o2c_mining.log.money import major
from o2c_mining.trace.select import Traces

LISTED = 1000


@dataclass(frozen=True, slots=True)
class Fitness:
    """Of the closed cases, in their recorded order; None when there is none."""

    average: float | None
    log: float | None


@dataclass(frozen=True, slots=True)
class Deviation:
    """One way in which cases depart from the model or break a rule between documents.

    ``cases`` counts closed and open ones, ``open_cases`` the open ones among them (what is still missing there is no
    deviation), ``undecidable_cases`` those whose stamps are too coarse to tell (only for rules between documents).
    ``share`` is of all chosen cases, ``value`` the sum of the cases' values, ``extra_seconds`` the median lead time of
    the closed deviating cases minus that of the fitting ones. ``numbers`` and ``documents`` (the invoices, for a rule
    between documents) list at most 1,000.
    """

    kind: str
    activity: str
    cases: int
    open_cases: int
    undecidable_cases: int
    share: float
    value: str
    currency: str
    extra_seconds: float | None
    numbers: tuple[str, ...]
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conformance:
    """``cases`` counts the closed ones: fitting, deviating and undecidable ones add up to it.

    Fitting means that the alignment with the model is perfect; ``conforming_cases`` are the fitting ones that break no
    rule between documents either.

    ``open_deviating_cases`` are the open cases in which something went wrong already.
    """

    model: str
    lens: str
    cases: int
    fitting_cases: int
    conforming_cases: int
    deviating_cases: int
    undecidable_cases: int
    open_cases: int
    open_deviating_cases: int
    fitness: Fitness
    precision: float | None
    deviations: tuple[Deviation, ...]


def conformance(traces: Traces, model: ReferenceModel) -> Conformance:
    """Compare the chosen cases with a model and with the rules between documents.

    A closed case must follow the model to its end, an open one as far as it has come. Each distinct sequence is aligned
    once. Where stamps are too coarse to tell an order, every possible one is aligned: if some fit and some do not, the
    case is undecidable and counts as neither. Deviations are ordered by number of cases, then kind and activity.

    Parameters
    ----------
    traces
        The chosen cases.
    model
        From ``reference_model``.

    Raises
    ------
    AnalysisError
        If the cases' values are in currencies without a rate.
    """
    cases = cases_of(traces)
    closed = [case for case in cases if case.is_closed]
    still_open = [case for case in cases if not case.is_closed]
    ended, so_far = Alignments(model.net), Alignments(model.net, so_far=True)
    ended.add(order for case in closed for order in case.orders)
    so_far.add(order for case in still_open for order in case.orders)
    judged = {case.case_id: ended.judge(case.orders, case.complete) for case in closed}
    judged |= {case.case_id: so_far.judge(case.orders, case.complete) for case in still_open}
    verdicts = Counter(judged[case.case_id].verdict for case in closed)

    billed = _rule_by_case(traces)
    broken = _having(billed, Verdict.VIOLATED)
    conforming = sum(judged[c.case_id].verdict is Verdict.SATISFIED and c.case_id not in broken for c in closed)

    recorded = Counter(case.orders[0] for case in closed)
    aligned = [(ended.of(variant), count) for variant, count in recorded.items()]
    average, of_log = fitness([(alignment, count) for alignment, count in aligned if alignment is not None])
    return Conformance(
        model=model.name,
        lens=traces.lens.object_type,
        cases=len(closed),
        fitting_cases=verdicts[Verdict.SATISFIED],
        conforming_cases=conforming,
        deviating_cases=verdicts[Verdict.VIOLATED],
        undecidable_cases=verdicts[Verdict.CANNOT_TELL],
        open_cases=len(still_open),
        open_deviating_cases=sum(judged[case.case_id].verdict is Verdict.VIOLATED for case in still_open),
        fitness=Fitness(average, of_log),
        precision=precision(model.net, recorded),
        deviations=tuple(_deviations(traces, cases, judged, billed)),
    )


def _deviations(
    traces: Traces,
    cases: Sequence[Case],
    judged: dict[str, Judgement],
    billed: dict[str, list[InvoiceOfOrder]],
) -> list[Deviation]:
    per_find: dict[Find, list[Case]] = {}
    for case in cases:
        for find in judged[case.case_id].finds:
            per_find.setdefault(find, []).append(case)
    fitting = [case for case in cases if judged[case.case_id].verdict is Verdict.SATISFIED]
    currency = traces.log.settings.config.company.currency
    total = len(cases)
    found = [_deviation(find, hit, fitting, total, currency) for find, hit in per_find.items()]
    by_id = {case.case_id: case for case in cases}
    violated = _having(billed, Verdict.VIOLATED)
    unsure = [case_id for case_id in _having(billed, Verdict.CANNOT_TELL) if case_id not in violated]
    if violated or unsure:
        hit = [by_id[case_id] for case_id in sorted(violated)]
        clean = [case for case in fitting if case.case_id not in violated]
        documents = sorted({row.invoice for rows in violated.values() for row in rows})
        find = (INVOICE_BEFORE_SHIPMENT, "Post Invoice")
        found.append(_deviation(find, hit, clean, total, currency, undecidable=len(unsure), documents=documents))
    return sorted(found, key=lambda deviation: (-deviation.cases, deviation.kind, deviation.activity))


def _having(billed: dict[str, list[InvoiceOfOrder]], verdict: Verdict) -> dict[str, list[InvoiceOfOrder]]:
    found = {case_id: [row for row in rows if row.verdict is verdict] for case_id, rows in billed.items()}
    return {case_id: rows for case_id, rows in found.items() if rows}


def _deviation(
    find: Find,
    hit: Sequence[Case],
    fitting: Sequence[Case],
    total: int,
    currency: str,
    *,
    undecidable: int = 0,
    documents: Sequence[str] = (),
) -> Deviation:
    late = [case.lead_seconds for case in hit if case.lead_seconds is not None]
    usual = [case.lead_seconds for case in fitting if case.lead_seconds is not None]
    return Deviation(
        kind=find[0],
        activity=find[1],
        cases=len(hit),
        open_cases=sum(not case.is_closed for case in hit),
        undecidable_cases=undecidable,
        share=len(hit) / total if total else 0.0,
        value=major(sum(case.value_minor for case in hit), currency),
        currency=currency,
        extra_seconds=median(late) - median(usual) if late and usual else None,
        numbers=tuple(sorted(case.number for case in hit)[:LISTED]),
        documents=tuple(documents[:LISTED]),
    )


def _rule_by_case(traces: Traces) -> dict[str, list[InvoiceOfOrder]]:
    """Verdicts of the rule between documents for each chosen case.

    An order has its own verdicts; a case of another lens those of the invoices that belong to it.
    """
    rows = invoice_before_shipment(traces.log)
    if not rows:
        return {}
    reader, found = traces.log.reader, dict[str, list[InvoiceOfOrder]]()
    if traces.lens.object_type == "order":
        chosen = {str(row["case_id"]) for row in reader.rows(traces.cases.select("case_id"))}
        for row in rows:
            if row.order_id in chosen:
                found.setdefault(row.order_id, []).append(row)
        return found
    invoices = traces.members.filter(traces.members.object_type == "invoice").select("case_id", "object_id")
    invoices = invoices.semi_join(traces.cases, "case_id")
    cases_of_invoice: dict[str, list[str]] = {}
    for member in reader.rows(invoices):
        cases_of_invoice.setdefault(member["object_id"], []).append(member["case_id"])
    for row in rows:
        for case_id in cases_of_invoice.get(row.invoice_id, ()):
            found.setdefault(case_id, []).append(row)
    return found
