"""Bookings out of a folder of camt.053 files; a file is read once, by its SHA-256, a booking is known by its key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
from pydantic import field_validator

from connectors.bank_statements.camt import RefusedFileError, statements
from connectors.bank_statements.count import entry_key, entry_keys
from connectors.bank_statements.files import StatementFile, open_streams, statement_files
from connectors.bank_statements.linking import InvoiceLinker
from connectors.bank_statements.model import Booking, Statement, minor_units
from o2c_mining.connect import Linker, OpenSource, Options, Page, Refused, Stream, Total
from o2c_mining.connect.catalog import load_catalog

PAGE_ROWS = 5_000


class BankOptions(Options):
    """``path`` is the folder; ``timezone`` the zone in which the bank's days begin; ``own_accounts`` are IBANs of ours,
    money from which is no customer's payment."""

    path: str
    timezone: str = "UTC"
    own_accounts: tuple[str, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("expected an IANA time zone such as Europe/Berlin") from None
        return value


@dataclass(slots=True)
class _Progress:
    """What the cursor holds: files that were read and, per account, the last day with a closing balance."""

    files: dict[str, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: str | None) -> _Progress:
        state = json.loads(cursor) if cursor else {}
        return cls(dict(state.get("files", {})), dict(state.get("closed", {})))

    def cursor(self) -> str:
        return json.dumps({"files": self.files, "closed": self.closed}, sort_keys=True)


class BankFolder:
    """An open folder of statements."""

    def __init__(self, folder: Path, zone: ZoneInfo) -> None:
        self._folder = folder
        self._zone = zone
        self._progress = _Progress()

    def pages(self, stream: Stream, after: str | None) -> Iterator[Page]:
        """Bookings of the files not read yet, several files to a page."""
        self._progress = progress = _Progress.of(after)
        rows: list[dict[str, object]] = []
        refused: list[Refused] = []
        fresh = False
        for file in statement_files(self._folder):
            mark = f"{file.size}:{file.modified_ns}"
            known = progress.files.get(file.name, "")
            if known.endswith(f":{mark}"):
                continue
            digest = file.digest()[:32]
            fresh = True
            if not known.startswith(f"{digest}:"):
                more, bad = self._read(file)
                rows += more
                refused += bad
            progress.files[file.name] = f"{digest}:{mark}"
            if len(rows) + len(refused) >= PAGE_ROWS:
                yield Page(pa.Table.from_pylist(rows, schema=stream.schema), progress.cursor(), tuple(refused))
                rows, refused, fresh = [], [], False
        if fresh:
            yield Page(pa.Table.from_pylist(rows, schema=stream.schema), progress.cursor(), tuple(refused))

    def keys(self, stream: Stream) -> pa.Table | None:
        """Unknown: a file that was moved away does not undo its bookings."""
        return None

    def rows(self, stream: Stream, keys: Sequence[Sequence[object]]) -> Iterator[Page]:
        """Never asked, for ``keys`` is unknown."""
        return iter(())

    def watermark(self) -> datetime | None:
        """The end of the last closed day of the account that is furthest behind."""
        if not self._progress.closed:
            return None
        day = min(date.fromisoformat(text) for text in self._progress.closed.values())
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=self._zone)

    def _read(self, file: StatementFile) -> tuple[list[dict[str, object]], list[Refused]]:
        """A file is taken as a whole or refused as a whole, a statement of it likewise."""
        rows: list[dict[str, object]] = []
        refused: list[Refused] = []
        closed: dict[str, date] = {}
        try:
            for _, document in open_streams(file):
                for statement in statements(document):
                    good, bad = self._statement(statement)
                    rows += good
                    refused += bad
                    if not bad and statement.closing is not None:
                        closed[statement.account] = max(closed.get(statement.account, date.min), statement.closing.day)
        except RefusedFileError as error:
            reason = f"{file.name}: {error}"
            return [], [Refused(key, error.rule, reason) for key in dict.fromkeys(entry_keys(file))]
        for account, day in closed.items():
            self._progress.closed[account] = max(self._progress.closed.get(account, ""), day.isoformat())
        return rows, refused

    def _statement(self, statement: Statement) -> tuple[list[dict[str, object]], list[Refused]]:
        fault = statement.fault()
        if fault is None:
            return [self._row(statement, booking) for booking in statement.bookings], []
        rule, reason = fault
        of = (statement.account, statement.identification)
        entries = dict.fromkeys(entry_key(*of, booking.entry) for booking in statement.bookings)
        return [], [Refused(key, rule, reason) for key in entries or [entry_key(*of)]]

    def _row(self, statement: Statement, booking: Booking) -> dict[str, object]:
        moment = booking.booked_at
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return {
            "account": statement.account,
            "statement": statement.identification,
            "reference": booking.reference,
            "status": booking.status,
            "booking_date": booking.booked_on,
            "booking_time": moment,
            "value_date": booking.value_date,
            "is_credit": booking.is_credit,
            "is_reversal": booking.is_reversal,
            "amount_minor": minor_units(booking.amount, booking.currency),
            "currency": booking.currency,
            "end_to_end_id": booking.end_to_end_id,
            "creditor_reference": booking.creditor_reference,
            "remittance": booking.remittance,
            "counterparty": booking.counterparty,
            "counterparty_account": booking.counterparty_account,
            "transaction_code": booking.transaction_code,
            "return_reason": booking.return_reason,
        }


class BankConnector:
    """The plugin."""

    name = "bank_statements"
    title = "Bank statements (camt.053)"
    folder = Path(__file__).parent
    options_model = BankOptions

    def streams(self, options: BankOptions) -> Sequence[Stream]:
        """One stream: bookings."""
        return [table.stream() for table in load_catalog(self.folder).tables]

    def open(self, options: BankOptions, *, base: Path) -> AbstractContextManager[OpenSource]:
        """Nothing is held open: files are read one after another."""
        return nullcontext(BankFolder(base / options.path, ZoneInfo(options.timezone)))

    def check(self, options: BankOptions, *, base: Path) -> Sequence[str]:
        """Whether the folder has statement files."""
        if statement_files(base / options.path):
            return []
        return [f"{base / options.path} has no statement file; expected *.xml, *.xml.gz or *.tar; correct 'path'"]

    def totals(self, options: BankOptions, *, base: Path) -> Mapping[str, Total]:
        """Entries of the files that lie in the folder now, counted by their tags, refused files among them."""
        keys: set[str] = set()
        rows = 0
        for file in statement_files(base / options.path):
            held = entry_keys(file)
            rows += len(held)
            keys.update(held)
        return {"bookings": Total(rows, rows - len(keys), frozenset(keys))}

    def reference_tables(self, options: BankOptions) -> Mapping[str, pa.Table]:
        """``settings`` (timezone) and ``own_accounts`` (account), for the SQL files."""
        accounts = [account.replace(" ", "").upper() for account in options.own_accounts]
        return {
            "settings": pa.table({"timezone": [options.timezone]}),
            "own_accounts": pa.table({"account": pa.array(accounts, pa.string())}),
        }

    def linker(self, options: BankOptions) -> Linker | None:
        """Ties bookings to the invoices they settle."""
        return InvoiceLinker()
