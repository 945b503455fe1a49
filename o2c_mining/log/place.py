"""Whether the store can lie in a folder of that name."""

from __future__ import annotations

import re
from pathlib import Path

from o2c_mining.errors import ConfigError

# Delta addresses a table by a URL: these marks stop it with a crash, or lead it to a folder of another name.
_REFUSED = re.compile(r"[\[\]\\^|\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}")


def refuse_folder(folder: Path) -> None:
    """Refuse a workspace in whose path the store could not be written.

    Raises
    ------
    ConfigError
        If the path, links followed, has one of ``[ ] \\ ^ |``, a control character, or ``%`` with two hex digits.
    """
    found = _REFUSED.search(str(folder.resolve()))
    if found is not None:
        raise ConfigError(
            f"the path {str(folder.resolve())!r} has {found.group()!r} in it, which the event store cannot have; "
            "expected a path without [ ] \\ ^ |, control characters and % before two hex digits; "
            "rename the folder or choose another with -w"
        )
