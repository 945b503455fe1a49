"""``o2c check``: the quality of the data, and whether every row of the sources is accounted for."""

from __future__ import annotations

from dataclasses import astuple

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, table

_COLUMNS = ("source", "stream", "in source", "in log", "quarantined", "duplicate", "difference")


def check() -> None:
    """Data quality: findings of the log, and completeness against what the sources themselves count now."""
    from o2c_mining.bootstrap import certificate
    from o2c_mining.log.validate import validate

    findings = validate(common.log())
    rows = certificate(common.workspace())
    found = [f"{f.severity}: {f.rule}: {f.count:,} in {f.table}, e.g. {f.example}; {f.why}; {f.mend}" for f in findings]
    parts = [table(_COLUMNS, [astuple(row) for row in rows], right=(2, 3, 4, 5, 6)) if rows else "no source to count"]
    parts += [_difference(row.source, row.stream, row.difference) for row in rows if row.difference]
    emit({"certificate": rows, "findings": findings}, "\n".join([*parts, "", *(found or ["no findings"])]))
    if any(f.severity == "error" for f in findings) or any(row.difference for row in rows):
        raise typer.Exit(1)


def _difference(source: str, stream: str, difference: int) -> str:
    if difference > 0:
        return f"{source} {stream}: {difference:,} rows of the source are not in the log; run `o2c extract --full`"
    return f"{source} {stream}: {-difference:,} rows of the log are no longer in the source; run `o2c extract`"
