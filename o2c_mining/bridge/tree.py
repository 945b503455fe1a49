"""Process trees: block-structured models as discovery finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["activity", "silent", "sequence", "choice", "parallel", "loop"]


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """A block: an activity, a silent step, or children that follow each other, exclude each other, run in parallel, or
    (``loop``) a first child that is repeated as often as the second one, and any further, sends it back.
    """

    kind: Kind
    label: str | None
    children: tuple[ProcessTree, ...]
