"""What do segments have in common, and which of it is stored already?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.codes import SEPARATOR

_KIND = (
    "activity",
    "team",
    "system",
    "resource_kind",
    "next_activity",
    "next_team",
    "next_system",
    "enabled_activity",
    "enabled_team",
    "enabled_system",
    "is_end",
)


def kinds_of(coded: ir.Table, states: ir.Table, stored: ir.Table | None, offsets: ir.Table) -> ir.Table:
    """What segments have in common, coded: the stored kinds keep their number, new ones follow (``is_new``)."""
    codes = coded.select("state", "next_state", "enabled_state", "is_end").distinct()
    own = codes.join(states, "state")
    ahead = states.select(next_state="state", next_activity="activity", next_team="team", next_system="system")
    named = own.left_join(ahead, "next_state").drop("next_state_right")
    behind = states.select(
        enabled_state="state", enabled_activity="activity", enabled_team="team", enabled_system="system"
    )
    named = named.left_join(behind, "enabled_state").drop("enabled_state_right")
    changed = (named.next_team != named.enabled_team) | (named.next_system != named.enabled_system)
    named = named.mutate(handoff=changed.fill_null(False))
    named = named.mutate(told=_told(named))
    if stored is None:
        known = named.mutate(known_kind=ibis.null("int32"))
    else:
        known = named.left_join(stored.select(told=_told(stored), known_kind="kind"), "told").drop("told_right")
    ranked = known.mutate(
        rank=ibis.row_number().over(ibis.window(order_by=[known.known_kind.notnull(), known.told]))
    ).cross_join(offsets.select("first_kind"))
    numbered = ranked.mutate(
        kind=ranked.known_kind.coalesce(ranked["rank"] + ranked.first_kind).cast("int32"),
        is_new=ranked.known_kind.isnull(),
    )
    return numbered.select(*codes.columns, *_KIND[:-1], "handoff", "kind", "is_new")


def _told(kinds: ir.Table) -> ir.StringValue:
    """All that a kind says, as one text: nulls and empty texts differ."""
    parts = [(ibis.literal("=") + kinds[name].cast("string")).coalesce("") for name in _KIND]
    return ibis.literal(SEPARATOR).join(parts)
