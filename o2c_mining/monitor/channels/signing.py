"""Signatures of Standard Webhooks 1.0.0, symmetric: HMAC-SHA256 over ``id.timestamp.body``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from o2c_mining.errors import ConfigError

PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64


def signature(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one ``v1,`` entry per secret, so that a secret can be changed in peace."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(_key(secret), signed, hashlib.sha256).digest() for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def check_secret(secret: str) -> None:
    """Refuse a secret that receivers would not accept.

    Raises
    ------
    ConfigError
        If it is not ``whsec_`` and 24 to 64 bytes in base64.
    """
    _key(secret)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ConfigError(
            f"a webhook secret is not usable; expected {PREFIX} and {_SHORTEST} to {_LONGEST} random bytes in base64; "
            "make one, for example with: openssl rand -base64 32"
        )
    return key
