"""A file as target: one JSON document per line, on disk before it counts as delivered."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from o2c_mining.errors import DeliveryError
from o2c_mining.monitor.channels.protocol import Message


@dataclass(frozen=True, slots=True)
class FileChannel:
    """Appends to ``path``; readers tell a repeated message by its ``id``."""

    name: str
    path: Path
    kind: str = "file"

    @property
    def target(self) -> str:
        """The file's name."""
        return self.path.name

    def send(self, message: Message, *, now: datetime) -> str:
        """Append one line; an unfinished line of a killed process is closed first."""
        line = json.dumps(
            {
                "id": message.key,
                "type": message.type,
                "timestamp": now.astimezone(UTC).isoformat(),
                "title": message.title,
                "text": message.text,
                "data": dict(message.data),
            },
            ensure_ascii=False,
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if file.seek(0, os.SEEK_END) > 0:
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":
                        file.write(b"\n")
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DeliveryError(
                f"{self.path} cannot be written ({error.strerror}); expected a writable file; free space or correct "
                f"the path of channel '{self.name}'"
            ) from error
        return "written"
