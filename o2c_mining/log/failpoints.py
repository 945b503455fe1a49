"""Named places at which a test may kill this process: ``O2C_FAILPOINT=name`` or ``name:n`` for the n-th time.

Works only when the variable is set before the program starts; otherwise ``failpoint`` returns at once. The process
dies by SIGKILL: no ``finally`` runs, nothing is flushed, as when the kernel or a person kills it. A new step that
matters for what survives gets a name here and a call at its place; tests/durability kills at every name.
"""

from __future__ import annotations

import os
import signal

from o2c_mining.errors import ConfigError

POINTS = frozenset(
    {
        "append.started",  # before a data file is written
        "append.data_written",  # data files are there, no log entry names them
        "append.logged",  # the log entry is there, nothing is flushed
        "append.synced",  # flushed, not yet part of a commit
        "commit.started",  # every table is flushed, the commit row is not written
        "commit.logged",  # the commit row is written, not flushed
        "commit.synced",  # the commit is durable, nobody was told
        "checkpoint.written",  # a checkpoint is flushed beside the log
        "checkpoint.linked",  # the checkpoint has its name, the hint does not know it
        "recovery.started",  # before anything is undone
        "recovery.commits_forgotten",  # damaged commits are gone, their tables are still ahead
        "recovery.table_undone",  # one table is back at the commit
        "recovery.finished",
        "stage.appended",  # rows are staged, their cursor is not committed
        "stage.committed",  # a page and its cursor are committed
        "load.table_appended",  # one table of a file is compared and appended
        "refresh.started",  # the log is appended, its traces are not
        "refresh.finished",  # the traces are appended, nothing is committed
        "compact.written",  # the new files of a table are flushed, nothing names them
        "compact.table_done",  # one table is rewritten, the commit is to come
        "retention.noted",  # versions are marked as removed, their files are still there
        "retention.file_removed",
        "backup.copied",  # everything is copied, the backup has no name yet
        "restore.copied",  # the copy is flushed beside the store
        "restore.moved_aside",  # the old store has gone, the new one is not in place
        "restore.in_place",  # the store is in place, its epoch is not raised
        "evaluate.decided",  # alerts and actions are written in an open transaction
        "deliver.claimed",  # an action is claimed, nothing is sent
        "deliver.sent",  # the receiver has it, we have not recorded that
        "deliver.recorded",
    }
)

_armed: tuple[str, int] | None = None


def arm(spec: str | None) -> None:
    """Choose where to die; ``None`` disarms.

    Raises
    ------
    ConfigError
        If there is no such point, or the count is no number.
    """
    global _armed
    if not spec:
        _armed = None
        return
    name, _, times = spec.partition(":")
    if name not in POINTS or not (times or "1").isdigit() or int(times or 1) < 1:
        raise ConfigError(
            f"O2C_FAILPOINT={spec!r} is no failpoint; expected NAME or NAME:N, with NAME one of "
            f"{', '.join(sorted(POINTS))}; unset it, it is for tests"
        )
    _armed = (name, int(times or 1))


def failpoint(name: str) -> None:
    """Die here if this is the chosen point and the chosen time."""
    global _armed
    if _armed is None or _armed[0] != name:
        return
    if _armed[1] > 1:
        _armed = (name, _armed[1] - 1)
        return
    os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("O2C_FAILPOINT"))
