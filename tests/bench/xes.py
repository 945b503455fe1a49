"""A flat log as XES, traces in order of their ids."""

from __future__ import annotations

from pathlib import Path

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<classifier name="Activity" keys="concept:name"/>
"""
_FULL = (
    '\'<event><string key="concept:name" value="\' || activity || \'"/><date key="time:timestamp" value="\' || '
    "strftime(timestamp, '%Y-%m-%dT%H:%M:%S+00:00') || '\"/><string key=\"org:resource\" value=\"' || resource || "
    '\'"/><string key="org:group" value="\' || team || \'"/><string key="system" value="\' || system || '
    "'\"/></event>\n'"
)
_BARE = (
    '\'<event><string key="concept:name" value="\' || activity || \'"/><date key="time:timestamp" value="\' || '
    "strftime(timestamp, '%Y-%m-%dT%H:%M:%S+00:00') || '\"/></event>\n'"
)


def write_xes(flat: Path, out: Path, *, megabytes: float | None = None, bare: bool = False) -> int:
    """Write traces until the file has that size (default: all); ``bare`` leaves only activity and time. Events."""
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    reader = connection.sql(
        f"SELECT '<trace><string key=\"concept:name\" value=\"' || case_id || '\"/>\n' || "
        f"string_agg({_BARE if bare else _FULL}, '' ORDER BY timestamp) || '</trace>\n' AS text, count(*) AS n "
        f"FROM '{flat}' GROUP BY case_id ORDER BY case_id"
    ).to_arrow_reader(5_000)
    events = size = 0
    with out.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        for batch in reader:
            for text, count in zip(batch["text"].to_pylist(), batch["n"].to_pylist(), strict=True):
                if megabytes is not None and size >= megabytes * 1_000_000:
                    break
                file.write(text)
                size += len(text)
                events += count
        file.write("</log>\n")
    return events
