"""pm4py: discovery, and the second opinion on alignments. Imported only when called, its output kept away."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from o2c_mining.bridge.alignment import Alignment, Variant
from o2c_mining.bridge.net import WorkflowNet
from o2c_mining.bridge.tree import Kind, ProcessTree

_OPERATORS: dict[str, Kind] = {"SEQUENCE": "sequence", "XOR": "choice", "PARALLEL": "parallel", "LOOP": "loop"}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """pm4py prints banners, advice and progress bars, and its import warns; none of it is meant for our user."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def align(net: WorkflowNet, variants: Sequence[Variant]) -> list[Alignment]:
    """One optimal alignment per variant, in their order (state-equation A*, pm4py's default)."""
    with _quiet():
        return _aligned(to_pm4py(net), variants)


def align_file(file: Path, variants: Sequence[Variant]) -> list[Alignment]:
    """The same with a BPMN file that pm4py reads and translates itself (the oracle of our own reading)."""
    with _quiet():
        from pm4py.objects.bpmn.importer import importer
        from pm4py.objects.conversion.bpmn import converter

        return _aligned(converter.apply(importer.apply(str(file))), variants)


def _aligned(petri: tuple[Any, Any, Any], variants: Sequence[Variant]) -> list[Alignment]:
    from pm4py.algo.conformance.alignments.petri_net import algorithm

    found = []
    for variant in variants:
        result = algorithm.apply_trace(_trace(variant), *petri)
        moves = tuple(
            (None if seen == ">>" else seen, None if done == ">>" else done)
            for seen, done in result["alignment"]
            if not (seen == ">>" and done is None)
        )
        found.append(Alignment(int(result["cost"]), int(result["bwc"]), moves))
    return found


def precision(net: WorkflowNet, variants: Mapping[Variant, int]) -> float:
    """Align-ETC precision of a log given as variants with their number of cases (the oracle of ours)."""
    with _quiet():
        from pm4py.algo.evaluation.precision.variants import align_etconformance
        from pm4py.objects.log.obj import EventLog

        petri, initial, final = to_pm4py(net)
        log = EventLog([_trace(variant) for variant, cases in variants.items() for _ in range(cases)])
        parameters = {"show_progress_bar": False, "multiprocessing": False}
        return float(align_etconformance.apply(log, petri, initial, final, parameters))


def is_sound(net: WorkflowNet) -> bool:
    """Woflan's verdict on soundness (the oracle of ours)."""
    with _quiet():
        from pm4py.algo.analysis.woflan import algorithm as woflan

        petri, initial, final = to_pm4py(net)
        parameters = {"return_asap_when_not_sound": True, "print_diagnostics": False}
        return bool(woflan.apply(petri, initial, final, parameters))


def discover(variants: Mapping[Variant, int], noise: float = 0.0) -> ProcessTree:
    """A process tree of the variants with their number of cases, by the inductive miner.

    With ``noise`` 0 the tree allows every variant; towards 1 rare behaviour is left out (inductive miner infrequent).
    """
    with _quiet():
        from pm4py.algo.discovery.inductive.dtypes.im_ds import IMDataStructureUVCL
        from pm4py.algo.discovery.inductive.variants.imf import IMFUVCL
        from pm4py.objects.process_tree.utils.generic import fold

        parameters = {"noise_threshold": noise, "multiprocessing": False}
        tree = IMFUVCL(parameters).apply(IMDataStructureUVCL(Counter(variants)), parameters)
        return _own_tree(fold(tree))


def _own_tree(tree: Any) -> ProcessTree:
    if tree.operator is None:
        return ProcessTree("activity" if tree.label is not None else "silent", tree.label, ())
    kind = _OPERATORS[tree.operator.name]
    return ProcessTree(kind, None, tuple(_own_tree(child) for child in tree.children))


def to_pm4py(net: WorkflowNet) -> tuple[Any, Any, Any]:
    """The net as pm4py's (net, initial marking, final marking)."""
    from pm4py.objects.petri_net.obj import Marking, PetriNet
    from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to

    petri = PetriNet(net.name)
    places = [PetriNet.Place(f"p{index}") for index in range(len(net.places))]
    petri.places.update(places)
    for index, step in enumerate(net.transitions):
        transition = PetriNet.Transition(f"t{index}", step.label)
        petri.transitions.add(transition)
        for place in step.consumes:
            add_arc_from_to(places[place], transition, petri)
        for place in step.produces:
            add_arc_from_to(transition, places[place], petri)
    return petri, Marking({places[net.start]: 1}), Marking({places[net.end]: 1})


def _trace(variant: Variant) -> Any:
    from pm4py.objects.log.obj import Event, Trace

    return Trace([Event({"concept:name": activity}) for activity in variant])
