"""Which event enabled an event, where it is not simply the one before on the same document?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.members import links_between
from o2c_mining.trace.steps import Steps


def enabling(steps: Steps, o2o: ir.Table, members: ir.Table, occurrences: ir.Table) -> ir.Table:
    """Where the enabling event is not simply the one before on the event's only member: case_no, seq, enabled_seq.

    An event is enabled by the latest earlier event that shares a member with it; where it is the first on all its
    members, by the latest earlier event on a member directly related to one of them.
    """
    several = occurrences.filter(~occurrences.is_alone)
    shared = several.group_by("case_no", "seq").aggregate(enabled_seq=several.previous.max())
    alone = occurrences.filter(occurrences.is_alone, occurrences.previous.isnull(), occurrences.seq > 0)
    newest = shared.filter(shared.enabled_seq.isnull(), shared.seq > 0).select("case_no", "seq")
    on_member = several.select("case_no", "seq", "member_no").semi_join(newest, ["case_no", "seq"])
    firsts = steps.keep("firsts", ibis.union(alone.select("case_no", "seq", "member_no"), on_member))

    links = links_between(members, o2o)
    beside = firsts.join(links, ["case_no", "member_no"]).select("case_no", "seq", "other_no").distinct()
    other = occurrences.select(case_no="case_no", other_no="member_no", other_seq="seq")
    related = beside.join(other, ["case_no", "other_no"])
    related = related.filter(related.other_seq < related.seq)
    before = steps.keep("before", related.group_by("case_no", "seq").aggregate(enabled_seq=related.other_seq.max()))
    found = ibis.union(shared.filter(shared.enabled_seq.notnull()), before.select("case_no", "seq", "enabled_seq"))
    found = steps.keep("enabling", found)
    steps.forget("firsts", "before")
    return found
