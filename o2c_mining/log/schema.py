"""The tables of the event log, their keys and their Arrow types: the contract between modules."""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

EVENTS = pa.schema(
    [
        ("event_id", pa.string()),
        ("activity", pa.string()),
        ("time", TIME),
        ("start_time", TIME),
        ("offset_minutes", pa.int32()),
        ("precision", pa.string()),  # second | minute | day
        ("source_seq", pa.int64()),
        ("resource", pa.string()),
        ("resource_kind", pa.string()),  # human | technical | unknown
        ("team", pa.string()),
        ("system", pa.string()),
        ("source_table", pa.string()),
        ("source_key", pa.string()),
        ("old_value", pa.string()),
        ("new_value", pa.string()),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("entity_key", pa.string()),
        ("op", pa.string()),  # I | U | D
        ("ingest_seq", pa.int64()),
        ("batch_id", pa.int64()),
    ]
)

# Columns beyond these are attributes of the object's type; loads may add columns, never change a type.
OBJECTS = pa.schema(
    [
        ("object_id", pa.string()),
        ("object_type", pa.string()),
        ("number", pa.string()),
        ("system", pa.string()),
        ("amount_minor", pa.int64()),
        ("currency", pa.string()),
        ("due_at", TIME),
        ("entity_key", pa.string()),
        ("op", pa.string()),
        ("ingest_seq", pa.int64()),
        ("batch_id", pa.int64()),
    ]
)

E2O = pa.schema(
    [
        ("event_id", pa.string()),
        ("object_id", pa.string()),
        ("qualifier", pa.string()),
        ("entity_key", pa.string()),
        ("op", pa.string()),
        ("ingest_seq", pa.int64()),
        ("batch_id", pa.int64()),
    ]
)

O2O = pa.schema(
    [
        ("source_id", pa.string()),
        ("target_id", pa.string()),
        ("qualifier", pa.string()),
        ("quantity", pa.float64()),
        ("unit", pa.string()),
        ("amount_minor", pa.int64()),
        ("currency", pa.string()),
        ("method", pa.string()),
        ("confidence", pa.float64()),
        ("entity_key", pa.string()),
        ("op", pa.string()),
        ("ingest_seq", pa.int64()),
        ("batch_id", pa.int64()),
    ]
)

OBJECT_CHANGES = pa.schema(
    [
        ("object_id", pa.string()),
        ("field", pa.string()),
        ("time", TIME),
        ("precision", pa.string()),
        ("old_value", pa.string()),
        ("new_value", pa.string()),
        ("resource", pa.string()),
        ("entity_key", pa.string()),
        ("op", pa.string()),
        ("ingest_seq", pa.int64()),
        ("batch_id", pa.int64()),
    ]
)

# How files say the attributes of their event and object types; other sources leave it to the values.
ATTRIBUTE_TYPES = pa.schema(
    [
        ("of", pa.string()),  # event | object | file: the name of one that is called the system of rows
        ("type", pa.string()),
        ("name", pa.string()),  # as the file says it; empty for the type itself
        ("kind", pa.string()),  # string | integer | float | boolean | time
        ("attribute", pa.string()),  # its name in the log
        ("is_used", pa.bool_()),  # there is a value of it
        ("entity_key", pa.string()),
        ("op", pa.string()),
        ("ingest_seq", pa.int64()),
        ("batch_id", pa.int64()),
    ]
)

QUARANTINE = pa.schema(
    [
        ("source", pa.string()),
        ("stream", pa.string()),
        ("source_key", pa.string()),
        ("reason", pa.string()),
        ("rule", pa.string()),
        ("raw", pa.string()),  # values replaced by keyed hashes, never clear text; of a file's row: which file
        ("first_seen", TIME),
        ("last_seen", TIME),
        ("batch_id", pa.int64()),
    ]
)

# One row per (commit, source, stream). ``commit`` numbers the versions of the whole log.
BATCHES = pa.schema(
    [
        ("commit", pa.int64()),
        ("committed_at", TIME),
        ("source", pa.string()),
        ("stream", pa.string()),
        ("cursor", pa.string()),
        ("watermark", TIME),
        ("read", pa.int64()),
        ("accepted", pa.int64()),
        ("quarantined", pa.int64()),
        ("duplicate", pa.int64()),
        ("versions", pa.string()),  # JSON {table: Delta version}
        ("last_seq", pa.int64()),
        ("store_epoch", pa.int64()),
        ("lenses", pa.string()),  # fingerprint of the lens definitions the traces were built with
        ("tool_version", pa.string()),
        ("contract_version", pa.int64()),
    ]
)

# A case gets a new number whenever its trace is built anew; rows of an older number are superseded.
MEMBERSHIP = pa.schema(
    [
        ("lens", pa.string()),
        ("case_no", pa.int32()),
        ("member_no", pa.int32()),
        ("object_id", pa.string()),
        ("object_type", pa.string()),
        ("path", pa.string()),
        ("refresh_seq", pa.int64()),
    ]
)

# The case object's attributes follow as further columns.
CASES = pa.schema(
    [
        ("lens", pa.string()),
        ("case_no", pa.int32()),
        ("case_id", pa.string()),
        ("number", pa.string()),
        ("variant_no", pa.int32()),
        ("variant_id", pa.string()),
        ("opened_at", TIME),
        ("closed_at", TIME),
        ("end_kind", pa.string()),  # completed | cancelled
        ("last_event_at", TIME),
        ("events", pa.int64()),
        ("order_known", pa.bool_()),
        ("first_work_clock", pa.float64()),
        ("last_kind", pa.int32()),  # of the case's last event
        ("last_due_at", TIME),
        ("last_work_clock", pa.float64()),
        ("amount_minor", pa.int64()),
        ("currency", pa.string()),
        ("refresh_seq", pa.int64()),
    ]
)

PAIRS = pa.schema(
    [
        ("lens", pa.string()),
        ("case_no", pa.int32()),
        ("seq", pa.int32()),
        ("event_id", pa.string()),
        ("kind", pa.int32()),
        ("enabled_seq", pa.int32()),
        ("time", TIME),
        ("next_time", TIME),
        ("work_clock", pa.float64()),
        ("working_seconds", pa.float64()),
        ("order_known", pa.bool_()),
        ("due_at", TIME),
        ("is_shared", pa.bool_()),
        ("first_in_case", pa.bool_()),
        ("first_in_cell", pa.bool_()),
        ("first_of_activity", pa.bool_()),
        ("refresh_seq", pa.int64()),
    ]
)

# What segments have in common: activity, team and system of an event, of the next one and of the one that enabled it.
KINDS = pa.schema(
    [
        ("kind", pa.int32()),
        ("activity", pa.string()),
        ("team", pa.string()),
        ("system", pa.string()),
        ("resource_kind", pa.string()),
        ("next_activity", pa.string()),
        ("next_team", pa.string()),
        ("next_system", pa.string()),
        ("enabled_activity", pa.string()),
        ("enabled_team", pa.string()),
        ("enabled_system", pa.string()),
        ("handoff", pa.bool_()),
        ("is_end", pa.bool_()),
    ]
)

VARIANTS = pa.schema(
    [
        ("lens", pa.string()),
        ("variant_no", pa.int32()),
        ("variant_id", pa.string()),
        ("activities", pa.list_(pa.string())),
    ]
)

# ``case_no`` is empty where a case has no event any more; ``replaces`` is the number it had before.
TOUCHED = pa.schema(
    [
        ("lens", pa.string()),
        ("case_id", pa.string()),
        ("case_no", pa.int32()),
        ("replaces", pa.int32()),
        ("refresh_seq", pa.int64()),
    ]
)

TABLES: dict[str, pa.Schema] = {
    "events": EVENTS,
    "objects": OBJECTS,
    "e2o": E2O,
    "o2o": O2O,
    "object_changes": OBJECT_CHANGES,
    "attribute_types": ATTRIBUTE_TYPES,
    "quarantine": QUARANTINE,
    "batches": BATCHES,
    "membership": MEMBERSHIP,
    "cases": CASES,
    "pairs": PAIRS,
    "kinds": KINDS,
    "variants": VARIANTS,
    "touched": TOUCHED,
}

# What makes two rows versions of the same thing.
KEYS: dict[str, tuple[str, ...]] = {
    "events": ("event_id",),
    "objects": ("object_id",),
    "e2o": ("event_id", "object_id", "qualifier"),
    "o2o": ("source_id", "target_id", "qualifier"),
    "object_changes": ("object_id", "field", "time"),
}

CLAIMS = "claims"  # holds a table of the same shape beside each that has a key, see log/claims.py


def shape_of(table: str) -> pa.Schema | None:
    """Columns that a table has to have; ``None`` where that is left to its rows."""
    return TABLES.get(table.removeprefix(f"{CLAIMS}/"))


CONTRACT_VERSION = 2  # raised when a table changes its meaning or a column its type
# What a load adds to a row, and what loads of former versions added and nobody reads any more.
STAMPS = ("op", "ingest_seq", "batch_id")
FORMER = ("row_hash",)
LOADED = ("entity_key", *STAMPS, *FORMER)
SAID = pa.schema([field for field in ATTRIBUTE_TYPES if field.name not in LOADED])
EVENT, OBJECT, NAMED_FILE = "event", "object", "file"  # of whose types ``attribute_types`` tells; no type is any type
UNKNOWN_TYPE = "unknown"  # of an object whose file names none
PRECISIONS = ("second", "minute", "day")
BASE_OBJECT_COLUMNS = frozenset(OBJECTS.names)
