"""``o2c check``: the quality of the data, and whether every row of the sources is accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING

import typer

from o2c_mining.cli import common
from o2c_mining.cli.common import emit, table

if TYPE_CHECKING:
    from o2c_mining.log.findings.finding import Finding

_COLUMNS = ("source", "stream", "in source", "in log", "quarantined", "duplicate", "difference")
_HEADINGS = {
    "error": "ERRORS: figures are wrong until they are mended",
    "warning": "WARNINGS: figures they touch are doubtful",
    "note": "NOTES: what these data cannot tell",
}
_SHOWN_PARTS = 4
_LONGEST_EXAMPLE = 60


def check() -> None:
    """Data quality: findings of the log, and completeness against what the sources themselves count now."""
    from o2c_mining.bootstrap import certificate
    from o2c_mining.log.validate import validate

    findings = validate(common.log(may_lack_events=True))
    rows = certificate(common.workspace())
    parts = [table(_COLUMNS, [astuple(row) for row in rows], right=(2, 3, 4, 5, 6)) if rows else "no source to count"]
    parts += [_difference(row.source, row.stream, row.difference) for row in rows if row.difference]
    emit({"certificate": rows, "findings": findings}, "\n".join([*parts, "", *_told(findings)]))
    if any(f.severity == "error" for f in findings) or any(row.difference for row in rows):
        raise typer.Exit(1)


def _told(findings: Sequence[Finding]) -> list[str]:
    """Findings by severity: a table with counts and examples, then why each matters and how to mend it."""
    if not findings:
        return ["no findings"]
    lines = []
    for severity, heading in _HEADINGS.items():
        chosen = [finding for finding in findings if finding.severity == severity]
        if not chosen:
            continue
        rows = [(f.rule, f"{f.count:,}", f.table, _short(f.example)) for f in chosen]
        lines += [heading, table(("finding", "count", "in", "for example"), rows, right=(1,)), ""]
        for finding in chosen:
            lines += [f"  {finding.rule}: {finding.why}", f"    to mend it: {finding.mend}"]
            lines += [f"    {part.name}: {part.count:,} of {part.of:,}" for part in finding.parts[:_SHOWN_PARTS]]
            if len(finding.parts) > _SHOWN_PARTS:
                lines.append("    ... (more with --json)")
        lines.append("")
    return [*lines, "docs/findings.md says exactly what each finding counts"]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 3]}..."


def _difference(source: str, stream: str, difference: int) -> str:
    if difference > 0:
        return f"{source} {stream}: {difference:,} rows of the source are not in the log; run `o2c extract --full`"
    return f"{source} {stream}: {-difference:,} rows of the log are no longer in the source; run `o2c extract`"
