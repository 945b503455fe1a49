"""Read camt.053 of any version as a stream, defended against hostile files.

Elements are found by local name, so every namespace version reads alike. Entities are not resolved, nothing is fetched,
a DOCTYPE is refused, and each entry is dropped from memory once it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import IO

from lxml import etree

from connectors.bank_statements.model import Balance, Booking, Statement

_OTHER_MESSAGES = {
    "BkToCstmrAcctRpt": "camt.052, an account report within the day",
    "BkToCstmrDbtCdtNtfctn": "camt.054, a notification of single bookings",
}
_MAX_TEXT = 2_000
_MAX_ENTRIES = 1_000_000
_MAX_HELD = 2_000_000  # elements in memory at a time: those of one entry and what stands around the entries
_MOST_DIGITS = 13


class RefusedFileError(ValueError):
    """The file is no statement that can be read; ``rule`` names why."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


def statements(file: IO[bytes]) -> Iterator[Statement]:
    """Every statement of a file, in file order; raises ``RefusedFileError``."""
    reader = etree.iterparse(
        file,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    found = held = before_entry = before_statement = 0
    entries: list[Booking] = []
    used: dict[str, int] = {}
    try:
        for event, element in reader:
            name = _local(element)
            if event == "start":
                _refuse_doctype(element)
                held += 1
                if held > _MAX_HELD:
                    raise RefusedFileError(
                        "file-too-large", f"an entry or statement has more than {_MAX_HELD} elements"
                    )
                if name == "Stmt":
                    before_statement = held - 1
                elif name == "Ntry" and _local(element.getparent()) == "Stmt":
                    before_entry = held - 1
                if name in _OTHER_MESSAGES:
                    raise RefusedFileError(
                        "not-a-statement",
                        f"this is {_OTHER_MESSAGES[name]}; its bookings come again with the camt.053 statement",
                    )
                continue
            if name == "Ntry" and _local(element.getparent()) == "Stmt":
                if len(entries) >= _MAX_ENTRIES:
                    raise RefusedFileError("file-too-large", f"a statement has more than {_MAX_ENTRIES} entries")
                entries.extend(_bookings(element, used))
                _drop(element)
                held = before_entry
            elif name == "Stmt":
                found += 1
                yield _statement(element, tuple(entries))
                entries, used = [], {}
                _drop(element)
                held = before_statement
    except etree.XMLSyntaxError as error:
        raise RefusedFileError("not-xml", f"the file is no well-formed XML ({_one_line(error)})") from error
    except (InvalidOperation, ValueError) as error:
        if isinstance(error, RefusedFileError):
            raise
        raise RefusedFileError("unreadable-value", f"the file holds a value that cannot be read ({error})") from error
    if not found:
        raise RefusedFileError("not-a-statement", "the file holds no statement (BkToCstmrStmt/Stmt)")


def _refuse_doctype(element: etree._Element) -> None:
    if element.getparent() is None and element.getroottree().docinfo.internalDTD is not None:
        raise RefusedFileError("doctype", "the file has a DOCTYPE, which no bank statement needs")


def _statement(element: etree._Element, bookings: tuple[Booking, ...]) -> Statement:
    account = _text(element, "Acct", "Id", "IBAN") or _text(element, "Acct", "Id", "Othr", "Id") or "unknown account"
    balances = {code: balance for code, balance in map(_balance, _children(element, "Bal")) if balance is not None}
    opening = balances.get("OPBD") or balances.get("PRCD")
    closing = balances.get("CLBD")
    currency = _text(element, "Acct", "Ccy") or (opening or closing or Balance(Decimal(0), "", date.min)).currency
    return Statement(
        account=account.replace(" ", "").upper(),
        identification=_text(element, "Id") or "",
        currency=currency or "",
        opening=opening,
        closing=closing,
        bookings=bookings,
    )


def _balance(element: etree._Element) -> tuple[str, Balance | None]:
    code = _text(element, "Tp", "CdOrPrtry", "Cd") or ""
    amount = _amount(_child(element, "Amt"))
    day, _ = _moment(_child(element, "Dt"))
    if amount is None or day is None:
        return code, None
    value, currency = amount
    return code, Balance(value if _text(element, "CdtDbtInd") != "DBIT" else -value, currency, day)


def _bookings(entry: etree._Element, used: dict[str, int]) -> Iterator[Booking]:
    """One booking per transaction of a batch whose amounts add up to the entry, else one for the entry."""
    amount = _amount(_child(entry, "Amt"))
    day, moment = _moment(_child(entry, "BookgDt"))
    value_day, _ = _moment(_child(entry, "ValDt"))
    status = _text(entry, "Sts", "Cd") or _text(entry, "Sts") or ""
    if amount is None:
        raise ValueError("an entry without amount")
    if day is None:
        if status == "BOOK":
            raise ValueError("a booked entry without booking date")
        day = value_day or date.min
    reference = _reference(entry, used)
    details = [item for block in _children(entry, "NtryDtls") for item in _children(block, "TxDtls")]
    parts = [_part_amount(item, amount[1]) for item in details]
    is_credit = _text(entry, "CdtDbtInd") == "CRDT"
    whole = (
        (len(details) < 2)
        or None in parts
        or sum((part for part in parts if part is not None), Decimal(0)) != amount[0]
    )
    shares = (
        [(0, amount[0], details)]
        if whole
        else [(n, part, [item]) for n, (part, item) in enumerate(zip(parts, details, strict=True), 1)]
    )
    for number, share, items in shares:
        assert share is not None
        yield Booking(
            reference=reference if whole else f"{reference}/{number}",
            part=number,
            currency=amount[1],
            amount=share,
            is_credit=is_credit,
            is_reversal=_text(entry, "RvslInd") in ("true", "1"),
            status=status,
            booked_on=day,
            booked_at=moment,
            value_date=value_day,
            end_to_end_id=_known(_first(items, "Refs", "EndToEndId")),
            creditor_reference=_first(items, "RmtInf", "Strd", "CdtrRefInf", "Ref"),
            remittance=_remittance(items) or _text(entry, "AddtlNtryInf"),
            counterparty=_counterparty(items, "Dbtr" if is_credit else "Cdtr"),
            counterparty_account=_counterparty_account(items, "DbtrAcct" if is_credit else "CdtrAcct"),
            transaction_code=_code(entry),
            return_reason=_first(items, "RtrInf", "Rsn", "Cd"),
        )


def _reference(entry: etree._Element, used: dict[str, int]) -> str:
    """The bank's reference of an entry; a repeated or missing one gets its position among its like."""
    own = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef") or "entry"
    used[own] = used.get(own, 0) + 1
    return own if used[own] == 1 and own != "entry" else f"{own}#{used[own]}"


def _part_amount(item: etree._Element, currency: str) -> Decimal | None:
    for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt"), ("AmtDtls", "InstdAmt", "Amt")):
        found = _amount(_descend(item, *path))
        if found is not None and found[1] == currency:
            return found[0]
    return None


def _remittance(items: list[etree._Element]) -> str | None:
    parts = [
        text for item in items for info in _children(item, "RmtInf") for text in map(_own, _children(info, "Ustrd"))
    ]
    for item in items:
        for info in _children(item, "RmtInf"):
            for block in _children(info, "Strd"):
                parts += [_text(document, "Nb") for document in _children(block, "RfrdDocInf")]
                parts += [_own(text) for text in _children(block, "AddtlRmtInf")]
    joined = " ".join(part for part in parts if part)
    return joined[:_MAX_TEXT] or None


def _counterparty(items: list[etree._Element], role: str) -> str | None:
    for name in (role, f"Ultmt{role}"):
        found = _first(items, "RltdPties", name, "Nm") or _first(items, "RltdPties", name, "Pty", "Nm")
        if found:
            return found
    return None


def _counterparty_account(items: list[etree._Element], role: str) -> str | None:
    found = _first(items, "RltdPties", role, "Id", "IBAN") or _first(items, "RltdPties", role, "Id", "Othr", "Id")
    return found.replace(" ", "").upper() if found else None


def _code(entry: etree._Element) -> str | None:
    parts = [_text(entry, "BkTxCd", "Domn", "Cd"), _text(entry, "BkTxCd", "Domn", "Fmly", "Cd")]
    parts.append(_text(entry, "BkTxCd", "Domn", "Fmly", "SubFmlyCd"))
    return "/".join(part for part in parts if part) or _text(entry, "BkTxCd", "Prtry", "Cd")


def _known(text: str | None) -> str | None:
    return None if text is None or text.upper() in ("NOTPROVIDED", "NOT PROVIDED", "NONREF") else text


def _amount(element: etree._Element | None) -> tuple[Decimal, str] | None:
    text = _own(element) if element is not None else None
    if element is None or text is None:
        return None
    if len(text) > 24:
        raise ValueError("an amount of more than 24 characters")
    value = Decimal(text)
    if not value.is_finite() or value < 0 or value.adjusted() > _MOST_DIGITS:
        raise ValueError(f"the amount {text}")
    return value, str(element.get("Ccy") or "")


def _moment(element: etree._Element | None) -> tuple[date | None, datetime | None]:
    """A day and, where the bank gives it, the moment (naive when it has no offset)."""
    if element is None:
        return None, None
    exact, day = _text(element, "DtTm"), _text(element, "Dt")
    if exact is not None:
        moment = datetime.fromisoformat(exact)
        return moment.date(), moment
    return (date.fromisoformat(day[:10]), None) if day is not None else (None, None)


def _first(items: list[etree._Element], *path: str) -> str | None:
    return next((text for item in items if (text := _text(item, *path))), None)


def _text(element: etree._Element, *path: str) -> str | None:
    found = _descend(element, *path)
    return None if found is None else _own(found)


def _own(element: etree._Element) -> str | None:
    text = (element.text or "").strip()
    return text[:_MAX_TEXT] or None


def _descend(element: etree._Element, *path: str) -> etree._Element | None:
    """The first element along the path; every branch is tried."""
    if not path:
        return element
    for child in _children(element, path[0]):
        found = _descend(child, *path[1:])
        if found is not None:
            return found
    return None


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next(iter(_children(element, name)), None)


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if _local(child) == name]


def _local(element: etree._Element | None) -> str:
    if element is None or not isinstance(element.tag, str):
        return ""
    return element.tag.rpartition("}")[2]


def _drop(element: etree._Element) -> None:
    """Forget an element and what came before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None and _local(element.getprevious()) == _local(element):
        parent.remove(element.getprevious())


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
