"""What are traces built from?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class Inputs:
    """Current rows that traces are built from.

    ``teams`` names the team of a resource, ``lanes`` that of an activity where the resource has none; ``work_days``
    is the day table of the calendar, if there is one.
    """

    events: ir.Table
    objects: ir.Table
    e2o: ir.Table
    o2o: ir.Table
    lanes: Mapping[str, str]
    teams: Mapping[str, str]
    work_days: ir.Table | None
