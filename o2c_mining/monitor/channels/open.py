"""Make the channels of ``o2c.toml``; each kind has its own options, unknown ones are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from o2c_mining.config import ChannelConfig
from o2c_mining.documents import Document, explain
from o2c_mining.errors import ConfigError
from o2c_mining.monitor.channels.egress import check_url
from o2c_mining.monitor.channels.email import EmailChannel, domain_of
from o2c_mining.monitor.channels.file import FileChannel
from o2c_mining.monitor.channels.protocol import Channel
from o2c_mining.monitor.channels.signing import check_secret
from o2c_mining.monitor.channels.webhook import WebhookChannel
from o2c_mining.monitor.secrets import resolve_secret

_ADDRESS = re.compile(r"[^@\s<>,;]+@[A-Za-z0-9.-]+")
_Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class FileOptions(Document):
    """Options of a channel of kind ``file``."""

    path: str


class WebhookOptions(Document):
    """Options of a channel of kind ``webhook``; ``secrets`` are references, the newest first."""

    url: str
    secrets: Annotated[_Texts, Field(min_length=1)]
    allow_private: _Texts = ()
    timeout: Annotated[float, Field(gt=0, le=30)] = 20.0


class EmailOptions(Document):
    """Options of a channel of kind ``email``; ``password`` is a reference."""

    host: str
    port: int = 587
    sender: str
    recipients: Annotated[_Texts, Field(min_length=1)]
    allow_domains: Annotated[_Texts, Field(min_length=1)]
    starttls: bool = True
    username: str | None = None
    password: str | None = None
    timeout: Annotated[float, Field(gt=0, le=30)] = 20.0


_OPTIONS: dict[str, type[BaseModel]] = {"file": FileOptions, "webhook": WebhookOptions, "email": EmailOptions}


def open_channels(configs: Sequence[ChannelConfig], *, root: Path) -> dict[str, Channel]:
    """Channels by name. Secrets are fetched when a message is sent, so that a changed one counts at once.

    Raises
    ------
    ConfigError
        If a kind or option is unknown, a target is not allowed, or two channels have the same name.
    """
    channels: dict[str, Channel] = {}
    for config in configs:
        if config.name in channels:
            raise ConfigError(f"the channel '{config.name}' is there twice; expected one per name; rename one")
        channels[config.name] = _open(config, root)
    return channels


def targets_of(channels: Mapping[str, Channel]) -> dict[str, str]:
    """Channel name → where it leads."""
    return {name: channel.target for name, channel in channels.items()}


def _open(config: ChannelConfig, root: Path) -> Channel:
    model = _OPTIONS.get(config.kind)
    if model is None:
        raise ConfigError(
            f"the channel '{config.name}' has the unknown kind '{config.kind}'; expected one of "
            f"{', '.join(sorted(_OPTIONS))}; correct it"
        )
    try:
        options = model.model_validate(config.options)
    except ValidationError as error:
        raise ConfigError(explain(error, model, source=f"the options of channel '{config.name}'")) from error
    if isinstance(options, FileOptions):
        return FileChannel(config.name, (root / options.path).resolve())
    if isinstance(options, WebhookOptions):
        return _webhook(config.name, options, root)
    assert isinstance(options, EmailOptions)
    return _email(config.name, options, root)


def _webhook(name: str, options: WebhookOptions, root: Path) -> WebhookChannel:
    private = frozenset(host.lower() for host in options.allow_private)
    check_url(options.url, allow_private=private)
    return WebhookChannel(name, options.url, partial(_secrets, options.secrets, root), private, options.timeout)


def _secrets(references: tuple[str, ...], root: Path) -> list[str]:
    secrets = [resolve_secret(reference, root=root) for reference in references]
    for secret in secrets:
        check_secret(secret)
    return secrets


def _email(name: str, options: EmailOptions, root: Path) -> EmailChannel:
    allowed = {domain.lower() for domain in options.allow_domains}
    for address in (options.sender, *options.recipients):
        if not _ADDRESS.fullmatch(address):
            raise ConfigError(f"{address!r} of channel '{name}' is no address; expected name@domain; correct it")
    for address in options.recipients:
        if domain_of(address) not in allowed:
            raise ConfigError(
                f"the recipient {address} of channel '{name}' is outside; expected one of the domains "
                f"{', '.join(sorted(allowed))}; correct the address or add the domain to allow_domains"
            )
    password = partial(resolve_secret, options.password, root=root) if options.password is not None else None
    return EmailChannel(
        name=name,
        host=options.host,
        port=options.port,
        sender=options.sender,
        recipients=options.recipients,
        starttls=options.starttls,
        username=options.username,
        password=password,
        timeout=options.timeout,
    )
