"""Write rows of ``batches``: the one table whose newest entry nobody else vouches for.

A power cut may leave the entry of a Delta log and lose what it names, or leave only its first lines. Here the rows are
on the disk before the entry is written, and the entry says how many files it adds and removes: one that reads well is
true.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from o2c_mining.log import durable
from o2c_mining.log.append import NO_CHECKPOINT, TABLE_CONFIGURATION


def write_commits(batches: Path, rows: pa.Table, *, anew: bool = False) -> int:
    """Append rows, or put them in the place of all there are (``anew``); returns the version that makes.

    The entry itself is not flushed yet: ``durable.sync_version`` does that.
    """
    batches.mkdir(parents=True, exist_ok=True)
    file = batches / f"part-{uuid.uuid4()}.parquet"
    pq.write_table(rows, file)
    durable.sync_path(file)
    durable.sync_path(batches)
    now = int(time.time() * 1000)
    stats = json.dumps({"numRecords": rows.num_rows})
    added = AddAction(file.name, file.stat().st_size, {}, now, True, stats)
    if not DeltaTable.is_deltatable(str(batches)):
        create_table_with_add_actions(
            str(batches),
            Schema.from_arrow(rows.schema),
            [added],
            configuration=dict(TABLE_CONFIGURATION),
            commit_properties=_counted(1),
            post_commithook_properties=NO_CHECKPOINT,
        )
        return 0
    opened = DeltaTable(batches)
    listed = pa.table(opened.get_add_actions(flatten=True)) if anew else None
    gone = [] if listed is None else zip(listed["path"].to_pylist(), listed["size_bytes"].to_pylist(), strict=True)
    removed = [RemoveAction(str(path), True, now, int(size), {}) for path, size in gone]
    actions: list[AddAction | RemoveAction] = [added, *removed]
    opened.create_write_transaction(
        actions,
        "append",
        opened.schema(),
        commit_properties=_counted(len(actions)),
        post_commithook_properties=NO_CHECKPOINT,
    )
    return DeltaTable(batches).version()


def _counted(actions: int) -> CommitProperties:
    return CommitProperties(custom_metadata={durable.ACTIONS: str(actions)})
