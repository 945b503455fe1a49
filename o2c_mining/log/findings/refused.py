"""Which rows were refused and wait to be mended?"""

from __future__ import annotations

from collections import defaultdict

import pyarrow.compute as pc

from o2c_mining.log.findings.finding import Finding, Part
from o2c_mining.log.refusals import refusals
from o2c_mining.log.snapshot import Snapshot


def refused_rows(snapshot: Snapshot) -> list[Finding]:
    """One finding per table or stream: rows without a time or an activity, say, that are in no figure.

    ``of`` is how many rows the newest load read that refused some.
    """
    waiting = refusals(snapshot)
    counts = waiting.group_by(["source", "stream"]).aggregate([("source_key", "count")]).to_pylist()
    read: dict[tuple[str, str], int] = {}
    for batch in snapshot.history():
        if batch["quarantined"]:
            read[str(batch["source"]), str(batch["stream"])] = int(str(batch["read"] or 0))
    found: dict[str, list[Part]] = defaultdict(list)
    for row in counts:
        source, stream, count = row["source"], row["stream"], row["source_key_count"]
        found[stream].append(Part(source, count, max(count, read.get((source, stream), 0))))
    return [
        Finding(
            "refused row",
            "warning",
            stream,
            sum(part.count for part in parts),
            _example(waiting.filter(pc.equal(waiting["stream"], stream)).slice(0, 1).to_pylist()[0]),
            "it could not be read as part of a log, so no figure knows it",
            "look for it at its place in the source, mend it there or correct the mapping, and load again",
            tuple(sorted(parts, key=lambda part: (-part.count, part.name))),
        )
        for stream, parts in sorted(found.items())
    ]


def _example(row: dict[str, str]) -> str:
    """Where a refused row stands and why it was refused."""
    return f"{row['source']}, {row['source_key']}: {row['reason']}"
