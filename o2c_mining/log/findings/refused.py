"""Which rows did the newest load of a file or stream refuse?"""

from __future__ import annotations

from collections import defaultdict

import pyarrow.compute as pc
import pyarrow.parquet as pq

from o2c_mining.log.findings.finding import Finding, Part
from o2c_mining.log.snapshot import Snapshot


def refused_rows(snapshot: Snapshot) -> list[Finding]:
    """One finding per table: rows without a time or an activity, say, that wait in the quarantine and are in no figure.

    Only the newest load of each file or stream counts: what was mended and loaded again is no finding any more.
    References go with their event and are not told again.
    """
    found: dict[str, list[Part]] = defaultdict(list)
    for batch in snapshot.batches():
        refused, stream = int(str(batch["quarantined"] or 0)), str(batch["stream"])
        if refused and stream != "e2o":
            found[stream].append(Part(str(batch["source"]), refused, int(str(batch["read"] or 0))))
    return [
        Finding(
            "refused row",
            "warning",
            stream,
            sum(part.count for part in parts),
            _example(snapshot, parts[0].name, stream),
            "it could not be read as part of a log, so no figure knows it",
            "look for it at its place in the source, mend it there or correct the mapping, and load again",
            tuple(sorted(parts, key=lambda part: (-part.count, part.name))),
        )
        for stream, parts in sorted(found.items())
    ]


def _example(snapshot: Snapshot, source: str, stream: str) -> str:
    """Where the newest refused row stands and why it was refused."""
    newest = ""
    for file in snapshot.files("quarantine"):
        rows = pq.read_table(file, columns=["source", "stream", "source_key", "reason"])
        rows = rows.filter(pc.and_(pc.equal(rows["source"], source), pc.equal(rows["stream"], stream)))
        if rows.num_rows:
            row = rows.slice(0, 1).to_pylist()[0]
            newest = f"{source}, {row['source_key']}: {row['reason']}"
    return newest or source
