"""What a channel is, and what it is handed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from o2c_mining.errors import DeliveryError


@dataclass(frozen=True, slots=True)
class Message:
    """One action on its way out. ``key`` is the same on every attempt; receivers drop a key they have seen."""

    key: str
    type: str
    title: str
    text: str
    data: Mapping[str, Any]
    created_at: datetime


class Channel(Protocol):
    """Sends messages to one target; sending the same key twice must be harmless or recognisable by the receiver."""

    @property
    def name(self) -> str:
        """Name in ``o2c.toml``."""

    @property
    def kind(self) -> str:
        """``file``, ``webhook`` or ``email``."""

    @property
    def target(self) -> str:
        """Where it leads, as people read it; never a secret."""

    def send(self, message: Message, *, now: datetime) -> str:
        """Deliver once and return what the target answered.

        Raises
        ------
        DeliveryError
            If it did not arrive for certain; ``permanent`` when another attempt is pointless.
        """


class EndpointGoneError(DeliveryError):
    """The target says it will never accept anything again: the channel is stopped until a person decides."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)
