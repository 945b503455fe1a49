"""Which rows were refused, and wait in the quarantine until they are mended?"""

from __future__ import annotations

import pyarrow as pa

from o2c_mining.log.engine import Connection, arrow, engine, literal, quoted, scan
from o2c_mining.log.same import FILE
from o2c_mining.log.schema import KEYS
from o2c_mining.log.snapshot import Snapshot

EVENT_REFUSED = "event refused"  # the rule by which a file's references go with their event
_COLUMNS = ("source", "stream", "source_key", "rule", "reason", "raw")
REFUSALS = pa.schema([(name, pa.string()) for name in _COLUMNS])
_LOADS = pa.schema([("source", pa.string()), ("stream", pa.string()), ("file", pa.string()), ("commit", pa.int64())])


def refusals(snapshot: Snapshot) -> pa.Table:
    """Rows that are in no figure, each once, in the order they came.

    The columns are those of ``REFUSALS``; ``raw`` of a row of a file says which file of that name, as the cursor of its
    loads does. Of a file those that its newest load refused: what was mended, or is in the file no more, waits no
    longer. Its references of events go with their event and are not told again. Of a connector those that were refused
    and are not held since, neither as such nor in parts (``key/1``, ``key/2``).
    """
    files = snapshot.files("quarantine")
    if not files:
        return REFUSALS.empty_table()
    newest: dict[tuple[str, str, str], int] = {}
    for batch in snapshot.history():
        source, cursor = str(batch["source"]), str(batch["cursor"] or "")
        file = cursor if cursor.startswith(FILE) else ""
        for stream in KEYS if file else (str(batch["stream"]),):
            newest[source, stream, file] = int(str(batch["commit"]))
    rows = [(*told, commit) for told, commit in newest.items()]
    loads = pa.Table.from_pylist([dict(zip(_LOADS.names, row, strict=True)) for row in rows], schema=_LOADS)
    names = ", ".join(_COLUMNS)
    with engine() as connection:
        connection.register("loads", loads)
        connection.execute(
            f"CREATE TEMP TABLE refused AS SELECT {names}, q.batch_id, place, "
            f"stream IN ({', '.join(literal(table) for table in KEYS)}) AS of_file "
            f"FROM (SELECT *, row_number() OVER () AS place FROM {scan(files)}) q "
            "JOIN loads USING (source, stream) WHERE if(of_file, raw, '') = file "
            f'AND (NOT of_file OR (q.batch_id = loads."commit" AND rule <> {literal(EVENT_REFUSED)}))'
        )
        streams = connection.execute("SELECT DISTINCT source, stream FROM refused WHERE NOT of_file").fetchall()
        for source, stream in streams:
            _forget_held(connection, snapshot, str(source), str(stream))
        return arrow(
            connection,
            f"SELECT {names} FROM refused QUALIFY row_number() OVER (PARTITION BY source, stream, source_key, rule, "
            "if(of_file, raw, '') ORDER BY batch_id DESC, place) = 1 ORDER BY batch_id, place",
        ).cast(REFUSALS)


def _forget_held(connection: Connection, snapshot: Snapshot, source: str, stream: str) -> None:
    """Drop what a connector's stream holds by now; what its events were refused for is held as an event of the log."""
    staged, events = snapshot.files(f"staging/{source}/{stream}"), snapshot.files("events")
    if staged:
        current = f"SELECT _key AS key FROM {scan(staged)} GROUP BY _key HAVING arg_max(_op, _seq) <> 'D'"
        held = f"SELECT unnest([key, regexp_replace(key, '/[0-9]+$', '')]) FROM ({current})"
    elif events:
        text = " || ' ' || ".join(f"coalesce({name}, '')" for name in ("source_table", "source_key", "activity"))
        held = (
            f"SELECT arg_max({text}, ingest_seq) FROM {scan(events)} WHERE system = {literal(source)} "
            f"GROUP BY {quoted(KEYS['events'][0])} HAVING arg_max(op, ingest_seq) <> 'D'"
        )
    else:
        return
    of_stream = f"source = {literal(source)} AND stream = {literal(stream)}"
    connection.execute(f"DELETE FROM refused WHERE {of_stream} AND source_key IN ({held})")
