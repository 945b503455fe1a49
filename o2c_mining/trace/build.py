"""Build the traces of one lens: members, ordered events, enablement, segments, cases.

Every step is an expression over current rows, computed once into a table of the reader before the next one needs it.
Cases are numbered and what events have in common (activity, team, system) is coded, so that the large sorts and joins
move whole numbers, not texts. ``refresh`` stores the result, ``select`` builds it for one point in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir
import pyarrow as pa

from o2c_mining.log.table_reader import TableReader
from o2c_mining.trace.cases import cases_of
from o2c_mining.trace.enabling import enabling
from o2c_mining.trace.ends import ends_of
from o2c_mining.trace.following import following
from o2c_mining.trace.inputs import Inputs
from o2c_mining.trace.kinds import kinds_of
from o2c_mining.trace.lens import Lens
from o2c_mining.trace.occurrences import find_occurrences
from o2c_mining.trace.ordered import ordered
from o2c_mining.trace.pairs import pairs_of
from o2c_mining.trace.reach import Reached, reach
from o2c_mining.trace.sequences import sequences_of
from o2c_mining.trace.sharing import sharing
from o2c_mining.trace.steps import Steps
from o2c_mining.trace.variants import variants_of


@dataclass(frozen=True, slots=True)
class TraceTables:
    """The tables of one lens as they are stored; see docs/architecture.md for the columns."""

    members: ir.Table
    cases: ir.Table
    pairs: ir.Table
    kinds: ir.Table
    variants: ir.Table


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored already: traces of other cases, which may share events with the new ones, and coded kinds."""

    shared: ir.Table | None = None  # event_id of the events of cases that are not built now, where they are shared
    kinds: ir.Table | None = None
    variants: ir.Table | None = None
    first_kind: int = 0
    first_variant: int = 0


def build(
    reader: TableReader,
    name: str,
    inputs: Inputs,
    lens: Lens,
    *,
    reached: Reached | None = None,
    known: Known | None = None,
) -> TraceTables:
    """Build the traces of a lens.

    Parameters
    ----------
    reader
        Runs and keeps the steps, under names that begin with ``name``.
    inputs
        Current rows and names.
    lens
        What a case is.
    reached
        The cases and their members, kept by the reader as steps of ``name``; default all cases.
    known
        What is stored already, and the numbers from which on kinds and variants are new.
    """
    stored, steps = known or Known(), Steps(reader, name)
    keep = steps.keep
    # numbers that differ from load to load are rows of a table: the expressions stay the same and are compiled once
    offsets = steps.register("offsets", _offsets(stored))
    reached = reached or reach(steps, inputs.objects, inputs.o2o, lens, case_ids=None, first_case=0)
    numbers, members = reached.numbers, reached.members
    found = find_occurrences(steps, inputs, reached)
    occurrences, states = found.rows, found.states
    shared = keep("sharing", sharing(occurrences, stored.shared))
    enabled = enabling(steps, reached.o2o, members, occurrences)
    placed = keep("ordered", ordered(occurrences, enabled, inputs.work_days))
    ends = keep("ends", ends_of(lens, members, occurrences, states, numbers))
    steps.forget("occurrences", "enabling")
    coded = keep("coded", following(placed, ends, shared))
    steps.forget("ordered", "sharing")
    kinds = keep("kinds", kinds_of(coded, states, stored.kinds, offsets))
    pairs = keep("pairs", pairs_of(lens, coded, kinds))
    steps.forget("coded", "states")
    sequences = keep("sequences", sequences_of(pairs, kinds))
    variants = keep("variants", variants_of(lens, pairs, kinds, sequences, stored.variants, offsets))
    cases = cases_of(steps, inputs.objects, lens, numbers, ends, sequences, variants, pairs, kinds)
    steps.forget("numbers", "ends", "sequences", "offsets")
    fresh = kinds.filter(kinds.is_new).drop("is_new", "state", "next_state", "enabled_state")
    return TraceTables(members, cases, pairs, fresh, variants.filter(variants.is_new).drop("case_no", "is_new"))


def _offsets(known: Known) -> pa.Table:
    return pa.table({name: pa.array([getattr(known, name)], pa.int32()) for name in ("first_kind", "first_variant")})
