"""An e-mail over SMTP. The Message-ID comes from the action's key, so that a repeated mail is recognised as one."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from o2c_mining.errors import DeliveryError
from o2c_mining.monitor.channels.protocol import Message


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Sends from ``sender`` to ``recipients`` through ``host``; ``password`` fetches the secret when it is needed."""

    name: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    starttls: bool = True
    username: str | None = None
    password: Callable[[], str] | None = field(default=None, repr=False)
    timeout: float = 20.0
    kind: str = "email"

    @property
    def target(self) -> str:
        """The recipients."""
        return ", ".join(self.recipients)

    def send(self, message: Message, *, now: datetime) -> str:
        """Hand the mail to the server; it counts as sent when the server took it for every recipient."""
        mail = mail_of(message, self.sender, self.recipients, now)
        password = self.password() if self.password is not None else None
        try:
            with smtplib.SMTP(self.host, self.port, timeout=self.timeout) as server:
                if self.starttls:
                    server.starttls(context=ssl.create_default_context())
                if self.username is not None and password is not None:
                    server.login(self.username, password)
                refused = server.send_message(mail, self.sender, list(self.recipients))
        except smtplib.SMTPResponseException as error:
            said = (
                error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
            )
            permanent = 500 <= error.smtp_code < 600 and not isinstance(error, smtplib.SMTPAuthenticationError)
            raise self._failed(f"{error.smtp_code} {said}", permanent=permanent) from error
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            permanent = all(500 <= code < 600 for code in codes)
            raise self._failed(f"recipients refused with {codes[0]}", permanent=permanent) from error
        except (OSError, smtplib.SMTPException) as error:
            raise self._failed(str(error) or type(error).__name__, permanent=False) from error
        if refused:
            return f"accepted, but not for {', '.join(sorted(refused))}"
        return "accepted"

    def _failed(self, said: str, *, permanent: bool) -> DeliveryError:
        what = "it is not tried again" if permanent else "it is tried again by schedule"
        return DeliveryError(
            f"the mail server {self.host}:{self.port} did not take the mail ({' '.join(said.split())}); "
            f"expected 250; {what}",
            permanent=permanent,
        )


def mail_of(message: Message, sender: str, recipients: tuple[str, ...], now: datetime) -> EmailMessage:
    """The mail of a message; headers with line breaks are refused by ``EmailMessage`` itself."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = " ".join(message.title.split())
    mail["Date"] = format_datetime(now.astimezone(UTC))
    mail["Message-ID"] = f"<{message.key}@{domain_of(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-O2C-Type"] = message.type
    mail.set_content(message.text + "\n")
    return mail


def domain_of(address: str) -> str:
    """The part after the last ``@``, in lower case."""
    return address.rpartition("@")[2].strip(" >").lower()
