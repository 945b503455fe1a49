"""Every exception of the project.

O2CError                    exit code 2 unless a subclass says otherwise
├── ConfigError             2  wrong use or configuration
├── AnalysisError           2  a question the log cannot answer as asked (unknown lens, currencies without a rate)
├── LogError (ValueError)   4  the data were refused
├── ConnectorError          3  a source could not be reached (4 when ``permanent``)
└── DeliveryError           3  a target could not be reached or refused the message

A message has three parts: what is wrong; what was expected; what to do.
"""

from __future__ import annotations


def one_line(text: str) -> str:
    """A text with what cannot be printed written out, line ends too."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


class O2CError(Exception):
    """Root of the tree; ``str(error)`` is the one line a user reads."""

    exit_code = 2

    def __str__(self) -> str:
        """The message; what it quotes of a file may hold line ends, controls or half a character."""
        return one_line(super().__str__())


class ConfigError(O2CError):
    """The configuration or the command's options are wrong."""


class AnalysisError(O2CError):
    """The question does not fit the log."""


class LogError(O2CError, ValueError):
    """Data that would break the event log were refused; nothing was stored."""

    exit_code = 4


class ConnectorError(O2CError):
    """A source failed; ``permanent`` tells whether a retry is pointless."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.exit_code = 4 if permanent else 3


class DeliveryError(O2CError):
    """A message did not reach its target; ``permanent`` tells whether a retry is pointless."""

    exit_code = 3

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
