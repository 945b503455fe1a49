"""Which sequences of activities are there, and which are stored already?"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from o2c_mining.trace.codes import SEPARATOR
from o2c_mining.trace.lens import Lens


def variants_of(
    lens: Lens, pairs: ir.Table, kinds: ir.Table, sequences: ir.Table, stored: ir.Table | None, offsets: ir.Table
) -> ir.Table:
    """Distinct sequences: lens, variant_no, variant_id, activities, is_new, and the case they are read off."""
    example = sequences.group_by("sequence").aggregate(case_no=sequences.case_no.min())
    steps = pairs.semi_join(example, "case_no").join(kinds.select("kind", "activity"), "kind")
    ordered = ibis.struct({"seq": steps.seq, "activity": steps.activity}).collect().sort()
    listed = steps.group_by("case_no").aggregate(activities=ordered.map(lambda step: step.activity))
    named = listed.mutate(variant_id=listed.activities.join(SEPARATOR).hexdigest("md5"))
    if stored is None:
        known = named.mutate(known_no=ibis.null("int32"))
    else:
        known = named.left_join(stored.select("variant_id", known_no="variant_no"), "variant_id")
        known = known.drop("variant_id_right")
    window = ibis.window(order_by=[known.known_no.notnull(), known.variant_id])
    ranked = known.mutate(rank=ibis.row_number().over(window)).cross_join(offsets.select("first_variant"))
    return ranked.select(
        "case_no",
        "activities",
        "variant_id",
        lens=ibis.literal(lens.object_type),
        variant_no=ranked.known_no.coalesce(ranked["rank"] + ranked.first_variant).cast("int32"),
        is_new=ranked.known_no.isnull(),
    )
