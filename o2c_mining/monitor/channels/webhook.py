"""A signed webhook (Standard Webhooks 1.0.0) to one URL.

No redirect is followed, no proxy is taken from the environment, and the connection goes to the very address that was
checked. The whole exchange has a time limit; of the answer only the first bytes are read.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from o2c_mining import __version__
from o2c_mining.errors import DeliveryError
from o2c_mining.monitor.channels.egress import check_url, resolve
from o2c_mining.monitor.channels.protocol import EndpointGoneError, Message
from o2c_mining.monitor.channels.signing import signature

MAX_BODY = 20_000
MAX_ANSWER = 64 * 1024
_RETRY_LATER = (429, 502, 503, 504)
_MAX_RETRY_AFTER = 86_400.0


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts JSON to ``url``. ``secrets`` gives the signing secrets, newest first."""

    name: str
    url: str
    secrets: Callable[[], Sequence[str]] = field(repr=False)
    allow_private: frozenset[str] = frozenset()
    timeout: float = 20.0
    kind: str = "webhook"

    @property
    def target(self) -> str:
        """Scheme, host and path; a query may hold a token and is not shown."""
        return self.url.split("?", 1)[0]

    def send(self, message: Message, *, now: datetime) -> str:
        """Post once; only an answer of 200 to 299 is a success."""
        body = body_of(message)
        timestamp = int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": f"o2c-mining/{__version__}",
            "webhook-id": message.key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.secrets(), message.key, timestamp, body),
            "connection": "close",
        }
        status, reason, retry_after = self._post(body, headers, now)
        if 200 <= status < 300:
            return f"{status} {reason}"
        said = f"{self.target} answered {status} {reason}; expected 200 to 299"
        if status == 410:
            raise EndpointGoneError(
                f"{said}; the target is gone: channel '{self.name}' is stopped until it is released"
            )
        wait = retry_after if status in _RETRY_LATER else None
        raise DeliveryError(f"{said}; it is tried again by schedule", retry_after=wait)

    def _post(self, body: bytes, headers: dict[str, str], now: datetime) -> tuple[int, str, float | None]:
        scheme, host, port, path = check_url(self.url, allow_private=self.allow_private)
        connection = _Pinned(scheme, host, port, resolve(host, port, allow_private=self.allow_private), self.timeout)
        watchdog = threading.Timer(self.timeout, connection.abort)
        watchdog.daemon = True
        watchdog.start()
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read(MAX_ANSWER)
            if connection.aborted:
                raise TimeoutError("it took too long")
            return answer.status, answer.reason, _retry_after(answer.getheader("retry-after"), now)
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryError(
                f"{self.target} did not answer ({error or type(error).__name__}); expected an answer within "
                f"{self.timeout:g} seconds; it is tried again by schedule"
            ) from error
        finally:
            watchdog.cancel()
            connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to addresses that were checked before; TLS is verified against the host's name."""

    def __init__(
        self, scheme: str, host: str, port: int, addresses: Sequence[tuple[socket.AddressFamily, str]], timeout: float
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self.default_port = 443 if scheme == "https" else 80
        self.aborted = False
        self._scheme = scheme
        self._addresses = addresses

    def connect(self) -> None:
        """Try each address; the first that accepts is used."""
        failure: OSError | None = None
        for family, address in self._addresses:
            raw = socket.socket(family, socket.SOCK_STREAM)
            raw.settimeout(self.timeout)
            self.sock = raw
            try:
                raw.connect((address, self.port))
                if self._scheme == "https":
                    context = ssl.create_default_context()
                    self.sock = context.wrap_socket(raw, server_hostname=self.host)
            except OSError as error:
                failure = error
                raw.close()
            else:
                return
        raise failure or OSError("no address")

    def abort(self) -> None:
        """Cut the connection from another thread, so that a waiting read ends."""
        self.aborted = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def body_of(message: Message) -> bytes:
    """The JSON body, below 20 kB: long lists and texts are cut, and ``truncated`` says so."""
    content: dict[str, object] = {
        "type": message.type,
        "timestamp": message.created_at.astimezone(UTC).isoformat(),
        "data": {**message.data, "title": message.title, "text": message.text},
    }
    body = _json(content)
    if len(body) < MAX_BODY:
        return body
    content["data"] = {
        **{name: value for name, value in message.data.items() if not isinstance(value, list | dict)},
        "title": message.title[:200],
        "text": message.text[:1000],
        "truncated": True,
    }
    return _json(content)


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _retry_after(header: str | None, now: datetime) -> float | None:
    if header is None:
        return None
    text = header.strip()
    if text.isdigit():
        return min(float(text), _MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), _MAX_RETRY_AFTER)
