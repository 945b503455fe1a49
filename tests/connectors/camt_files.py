"""Small camt.053 documents for tests."""

from __future__ import annotations

from collections.abc import Sequence

Entry = tuple[str, str, str, str]


def statement_xml(
    identification: str,
    *,
    opening: str,
    closing: str,
    entries: Sequence[Entry] = (),
    version: int = 2,
    account: str = "DE15667295315433120810",
    day: str = "2026-07-01",
    raw_entries: str = "",
) -> bytes:
    """One statement; an entry is (reference, amount, CRDT or DBIT, text)."""
    nodes = "".join(entry_xml(*entry, day=day) for entry in entries)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02d}"><BkToCstmrStmt>
<GrpHdr><MsgId>M</MsgId><CreDtTm>{day}T21:00:00</CreDtTm></GrpHdr>
<Stmt><Id>{identification}</Id><Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>
{balance_xml("OPBD", opening, day)}{balance_xml("CLBD", closing, day)}{nodes}{raw_entries}</Stmt>
</BkToCstmrStmt></Document>""".encode()


def balance_xml(code: str, amount: str, day: str) -> str:
    """A balance; negative amounts are debits."""
    sign = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount.lstrip('-')}</Amt>"
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry_xml(
    reference: str, amount: str, sign: str, text: str, *, day: str, status: str = "BOOK", more: str = ""
) -> str:
    """An entry with one transaction."""
    role = "Dbtr" if sign == "CRDT" else "Cdtr"
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{more}<Sts>{status}</Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><{role}><Nm>Adler</Nm></{role}>"
        f"<{role}Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></{role}Acct></RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
