"""By which codes do analyses group segments?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

SEPARATOR = "\x1f"


def group_codes(kinds: ir.Table) -> dict[str, ir.IntegerValue]:
    """Codes of the groups that analyses count by, each the least kind of its group.

    ``edge``: activity and next activity; ``cell``: a cell of the ledger; ``node``: the activity.
    """
    start = [kinds.enabled_activity.coalesce(kinds.activity), kinds.enabled_team.coalesce(kinds.team)]
    start.append(kinds.enabled_system.coalesce(kinds.system))
    cell = [*start, kinds.next_activity, kinds.next_team, kinds.next_system, kinds.handoff, kinds.is_end]
    groups = {"edge": [kinds.activity, kinds.next_activity, kinds.is_end], "cell": cell, "node": [kinds.activity]}
    return {name: kinds.kind.min().over(ibis.window(group_by=by)).cast("int32") for name, by in groups.items()}
