"""The webhook against a real receiver, judged by the reference implementation of Standard Webhooks."""

from __future__ import annotations

import base64
import json
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from o2c_mining.errors import ConfigError, DeliveryError
from o2c_mining.monitor.channels.egress import check_url, is_public, resolve
from o2c_mining.monitor.channels.protocol import EndpointGoneError, Message
from o2c_mining.monitor.channels.signing import check_secret, signature
from o2c_mining.monitor.channels.webhook import MAX_BODY, WebhookChannel, body_of
from tests.monitor.receiver import CERT, Receiver, receiving

NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()


def message(**changes: object) -> Message:
    values: dict[str, object] = {
        "key": "a1" * 32,
        "type": "alert.breached",
        "title": "Delivered, not invoiced: DN-7 – Müller",
        "text": "please",
        "data": {"alert": "x", "documents": []},
        "created_at": datetime.now(UTC),
    }
    return Message(**{**values, **changes})  # type: ignore[arg-type]


def channel(receiver: Receiver, secrets: tuple[str, ...] = (NEW,), timeout: float = 5.0) -> WebhookChannel:
    return WebhookChannel("hook", receiver.url, lambda: secrets, frozenset({"127.0.0.1", "localhost"}), timeout)


def send(to: WebhookChannel, what: Message | None = None) -> str:
    return to.send(what or message(), now=datetime.now(UTC))


def test_the_reference_library_verifies_what_arrives() -> None:
    with receiving(Receiver()) as receiver:
        assert send(channel(receiver)) == "204 No Content"
    (request,) = receiver.requests
    verified = Webhook(NEW).verify(request.body, request.headers)
    assert verified["type"] == "alert.breached"
    assert verified["data"]["title"].endswith("Müller")
    assert request.headers["webhook-id"] == message().key
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(request.body.replace(b"please", b"refuse"), request.headers)


def test_our_signature_is_the_reference_library_s() -> None:
    moment = datetime(2026, 3, 2, 12, tzinfo=UTC)
    body = b'{"type":"alert.breached"}'
    theirs = Webhook(NEW).sign("msg_1", moment, body.decode())
    assert signature([NEW], "msg_1", int(moment.timestamp()), body) == theirs


def test_receivers_with_the_old_and_with_the_new_secret_both_accept_during_a_change() -> None:
    with receiving(Receiver()) as receiver:
        send(channel(receiver, (NEW, OLD)))
    (request,) = receiver.requests
    for secret in (NEW, OLD):
        Webhook(secret).verify(request.body, request.headers)


def test_every_attempt_has_the_same_id_and_its_own_timestamp() -> None:
    with receiving(Receiver(answer=lambda n: (503, {}) if n == 0 else (200, {}))) as receiver:
        to, what = channel(receiver), message()
        with pytest.raises(DeliveryError, match="answered 503"):
            to.send(what, now=datetime.now(UTC) - timedelta(seconds=100))
        to.send(what, now=datetime.now(UTC))
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    Webhook(NEW).verify(second.body, second.headers)


def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    with receiving(Receiver()) as elsewhere:
        target = elsewhere.url
        redirecting = Receiver(answer=lambda n: (307, {"location": target}))
        with receiving(redirecting) as receiver, pytest.raises(DeliveryError, match="answered 307") as caught:
            send(channel(receiver))
        assert not caught.value.permanent
        assert elsewhere.requests == []


def test_gone_stops_the_channel() -> None:
    with receiving(Receiver(answer=lambda n: (410, {}))) as receiver, pytest.raises(EndpointGoneError):
        send(channel(receiver))


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(429, "120", 120.0), (503, "7", 7.0), (503, None, None), (400, "120", None), (429, "999999999", 86_400.0)],
)
def test_retry_after_is_honoured_where_it_means_something(
    status: int, header: str | None, seconds: float | None
) -> None:
    headers = {"retry-after": header} if header else {}
    refusing = Receiver(answer=lambda n: (status, headers))
    with receiving(refusing) as receiver, pytest.raises(DeliveryError) as caught:
        send(channel(receiver))
    assert caught.value.retry_after == seconds


def test_retry_after_as_a_date() -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    refusing = Receiver(answer=lambda n: (503, {"retry-after": moment}))
    with receiving(refusing) as receiver, pytest.raises(DeliveryError) as caught:
        send(channel(receiver))
    assert caught.value.retry_after == pytest.approx(90, abs=3)


def test_a_connection_that_is_cut_is_a_failure_to_repeat() -> None:
    with receiving(Receiver(answer=lambda n: None)) as receiver, pytest.raises(DeliveryError) as caught:
        send(channel(receiver))
    assert not caught.value.permanent


def test_an_answer_that_drips_is_cut_at_the_time_limit() -> None:
    with receiving(Receiver(drip_seconds=0.05)) as receiver:
        began = time.monotonic()
        with pytest.raises(DeliveryError, match="within 1 seconds"):
            send(channel(receiver, timeout=1.0))
        assert time.monotonic() - began < 5


def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    with receiving(Receiver(answer=lambda n: (200, {}), body=b"z" * 5_000_000)) as receiver:
        began = time.monotonic()
        assert send(channel(receiver)) == "200 OK"
        assert time.monotonic() - began < 5


def test_nobody_there_is_a_failure_to_repeat() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        receiver = Receiver(url=f"http://127.0.0.1:{probe.getsockname()[1]}/")
    with pytest.raises(DeliveryError, match="did not answer"):
        send(channel(receiver, timeout=1.0))


def test_a_body_stays_below_20_kilobytes() -> None:
    documents = [{"object_id": f"d{n}", "number": "N" * 30} for n in range(1000)]
    body = body_of(message(text="t" * 50_000, data={"alert": "x", "documents": documents}))
    assert len(body) < MAX_BODY
    assert json.loads(body)["data"]["truncated"] is True


def test_tls_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Receiver(), tls=True) as receiver:
        with pytest.raises(DeliveryError, match=r"(?i)certificate"):
            send(channel(receiver))
        monkeypatch.setenv("SSL_CERT_FILE", str(CERT))
        assert send(channel(receiver)) == "204 No Content"


def test_the_name_is_resolved_once_and_the_checked_address_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that answers a public address first and an inner one next (rebinding) gains nothing."""
    asked: list[str] = []
    connected: list[object] = []

    def rebinding(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def refuse(self: socket.socket, address: object) -> None:
        connected.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    to = WebhookChannel("hook", "https://hooks.example.com/x", lambda: [NEW])
    with pytest.raises(DeliveryError, match="no network in tests"):
        send(to)
    assert asked == ["hooks.example.com"]
    assert connected == [("93.184.216.34", 443)]


INSIDE = """
127.0.0.1 127.0.0.53 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1
172.31.255.255 192.168.0.1 192.168.255.255 169.254.169.254 169.254.0.1 100.64.0.1 100.127.255.254
192.0.0.192 192.0.0.8 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 192.88.99.1
224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 64:ff9b::a9fe:a9fe 64:ff9b::7f00:1
64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::
2002:a9fe:a9fe:: 2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00::1 fdff:ffff::1 fe80::1 fe80::1%eth0
feb0::1 fec0::1 ff02::1 ff0e::1 nonsense 1.2.3 2130706433
"""


@pytest.mark.parametrize("address", INSIDE.split())
def test_addresses_inside_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_addresses_outside_are_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f.1", "017700000001", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_disguised_loopbacks_are_refused(host: str) -> None:
    _, name, port, _ = check_url(f"https://{host}/", allow_private=())
    with pytest.raises(DeliveryError):
        resolve(name, port, allow_private=())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com/", "not encrypted"),
        ("ftp://example.com/", "not understood"),
        ("file:///etc/passwd", "not understood"),
        ("gopher://example.com/", "not understood"),
        ("https://", "not understood"),
        ("https://user:pass@example.com/", "user, password"),
        ("https://example.com@127.0.0.1/", "user, password"),
        ("https://example.com:22/", "port 22"),
        ("https://example.com:99999/", "not understood"),
        ("https://example.com/\r\nHost: x", "not understood"),
        ("https://exämple.com/", "not understood"),
        ("https://example.com/#x", "fragment"),
        ("https://[::1", "not understood"),
    ],
)
def test_urls_that_are_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_url(url, allow_private=())


def test_a_host_inside_must_be_listed() -> None:
    allow: frozenset[str] = frozenset({"erp.local"})
    assert check_url("http://erp.local:8080/x?y=1", allow_private=allow) == ("http", "erp.local", 8080, "/x?y=1")
    with pytest.raises(ConfigError):
        check_url("http://other.local:8080/x", allow_private=allow)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_abc", "plain text!", "whsec_" + "A" * 16, "whsec_" + "A" * 120]
)
def test_weak_secrets_are_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigError, match="expected whsec_") as caught:
        check_secret(secret)
    assert not secret or secret not in str(caught.value) or secret == "whsec_"
