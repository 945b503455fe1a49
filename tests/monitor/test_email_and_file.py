"""E-mail to a real SMTP server on this machine, and the file sink."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from o2c_mining.config import ChannelConfig
from o2c_mining.errors import ConfigError, DeliveryError
from o2c_mining.monitor.channels.file import FileChannel
from o2c_mining.monitor.channels.open import open_channels
from o2c_mining.monitor.channels.protocol import Message
from tests.monitor.receiver import CERT, KEY

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MESSAGE = Message(
    key="b2" * 32,
    type="alert.breached",
    title="Geliefert, nicht berechnet: DN-7\r\nBcc: everyone@example.com",
    text="Bitte Rechnung buchen – 120,00 €",
    data={"alert": "x"},
    created_at=NOW,
)


class Inbox:
    """Keeps what arrives; ``reply`` is what the server says to a message."""

    def __init__(self, reply: str = "250 OK") -> None:
        self.envelopes: list[Envelope] = []
        self.reply = reply

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return self.reply


@contextmanager
def serving(inbox: Inbox, **options: Any) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port, server_hostname="mail.test", **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def mail(port: int, root: Path, **options: object):  # type: ignore[no-untyped-def]
    values: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "sender": "o2c@example.com",
        "recipients": ["billing@example.com", "sales@example.com"],
        "allow_domains": ["example.com"],
        "starttls": False,
    }
    config = ChannelConfig(name="mail", kind="email", options={**values, **options})
    return open_channels([config], root=root)["mail"]


def test_a_mail_arrives_with_the_action_s_key_as_its_id(tmp_path: Path) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        to = mail(port, tmp_path)
        assert to.send(MESSAGE, now=NOW) == "accepted"
        assert to.send(MESSAGE, now=NOW) == "accepted"
    first, second = (message_from_bytes(e.content, policy=policy.default) for e in inbox.envelopes)
    assert inbox.envelopes[0].rcpt_tos == ["billing@example.com", "sales@example.com"]
    assert first["Message-ID"] == second["Message-ID"] == f"<{MESSAGE.key}@example.com>"
    assert first["Subject"] == "Geliefert, nicht berechnet: DN-7 Bcc: everyone@example.com"
    assert first["Bcc"] is None
    assert first["Auto-Submitted"] == "auto-generated"
    assert "120,00 €" in first.get_content()


@pytest.mark.parametrize(("reply", "permanent"), [("451 later", False), ("554 never", True)])
def test_the_server_s_refusal_says_whether_to_try_again(tmp_path: Path, reply: str, permanent: bool) -> None:
    with serving(Inbox(reply)) as port, pytest.raises(DeliveryError, match=reply) as caught:
        mail(port, tmp_path).send(MESSAGE, now=NOW)
    assert caught.value.permanent is permanent


def test_no_server_is_a_failure_to_repeat(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        mail(1, tmp_path).send(MESSAGE, now=NOW)
    assert not caught.value.permanent


def test_login_over_tls_with_a_secret_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def authenticate(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"o2c", b"s3cret")
        return AuthResult(success=good, handled=good)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, KEY)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERT))
    (tmp_path / "password").write_text("s3cret\n", encoding="utf-8")
    inbox = Inbox()
    options = {"starttls": True, "username": "o2c", "password": "file:password"}
    with serving(
        inbox, tls_context=context, authenticator=authenticate, auth_required=True, require_starttls=True
    ) as port:
        assert mail(port, tmp_path, **options).send(MESSAGE, now=NOW) == "accepted"
        (tmp_path / "password").write_text("wrong", encoding="utf-8")
        with pytest.raises(DeliveryError) as caught:
            mail(port, tmp_path, **options).send(MESSAGE, now=NOW)
        assert "wrong" not in str(caught.value)
        assert not caught.value.permanent
        with pytest.raises(DeliveryError):
            mail(port, tmp_path, starttls=False).send(MESSAGE, now=NOW)
    assert len(inbox.envelopes) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipients": ["boss@elsewhere.com"]}, "is outside; expected one of the domains example.com"),
        ({"recipients": ["boss@example.com\nBcc: x@y.z"]}, "is no address"),
        ({"recipients": ["boss@example.com.evil.com"]}, "is outside"),
        ({"recipients": []}, "at least 1 item"),
        ({"recipent": "x"}, "did you mean 'recipients'"),
        ({"password": "hunter2", "username": "o2c"}, "expected env:NAME"),
        ({"password": "env:O2C_TEST_UNSET", "username": "o2c"}, "is empty or not set"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        mail(1, tmp_path, **options).send(MESSAGE, now=NOW)
    assert "hunter2" not in str(caught.value)


def test_the_file_sink_holds_one_document_per_line(tmp_path: Path) -> None:
    sink = FileChannel("sink", tmp_path / "out" / "actions.jsonl")
    assert sink.send(MESSAGE, now=NOW) == "written"
    with sink.path.open("ab") as file:
        file.write(b'{"id": "torn')
    sink.send(MESSAGE, now=NOW)
    lines = sink.path.read_bytes().splitlines()
    assert len(lines) == 3
    assert [json.loads(line)["id"] for line in (lines[0], lines[2])] == [MESSAGE.key] * 2


def test_a_sink_that_cannot_be_written_is_a_failure_to_repeat(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DeliveryError, match="cannot be written"):
        FileChannel("sink", tmp_path / "folder").send(MESSAGE, now=NOW)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ChannelConfig(name="a", kind="fax"), "unknown kind 'fax'; expected one of email, file, webhook"),
        (ChannelConfig(name="a", kind="file", options={"pth": "x"}), "did you mean 'path'"),
        (ChannelConfig(name="a", kind="webhook", options={"url": "http://x.de/", "secrets": "env:S"}), "not encrypted"),
        (ChannelConfig(name="a", kind="webhook", options={"url": "https://x.de/"}), "'secrets' is missing"),
    ],
)
def test_wrong_channels_are_refused(tmp_path: Path, config: ChannelConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_channels([config], root=tmp_path)
