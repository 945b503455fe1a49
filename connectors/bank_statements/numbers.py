"""Find document numbers in what a payer wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_DATE = re.compile(r"\b(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2})\b")
_MONEY = re.compile(r"\b\d{1,3}(?:[.,' ]\d{3})*[.,]\d{2}\b(?![\d/-])")
_PARTY = re.compile(
    r"\b(?:KD|KDNR|KUNDE|KUNDENNR|KUNDENNUMMER|CUSTOMER|CUST|CLIENT|DEBITOR)\b[\s.:#NRO-]*\d+", re.IGNORECASE
)
_RUN = re.compile(r"[A-Z]+|\d+")
_REFERENCE = re.compile(r"\bRF\d{2}[A-Z0-9]{1,21}\b")
_WORDS_FOR_INVOICE = frozenset({
    "RECHNUNG", "RECHNUNGEN", "RECHNUNGSNR", "RECHNUNGSNUMMER", "RG", "RGNR", "RE", "RN", "RNR", "INVOICE", "INVOICES",
    "INV", "BILL", "FAKTURA", "FACTURE", "FACTUUR", "FATTURA", "FACTURA",
})  # fmt: skip
_FILLERS = frozenset(["NR", "NO", "NUMMER", "NUMBER", "NUM", "UND", "AND", "U"])
_LONGEST = 5
_WIDEST_GAP = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of text that may be a number: letters and digits joined.

    ``after_word`` says that a word for an invoice comes before; ``is_part`` that the digits belong to another kind of
    number, such as the 31 of SO-31.
    """

    text: str
    start: int
    end: int
    has_letters: bool
    after_word: bool
    is_part: bool


def compact(text: str) -> str:
    """Letters and digits in capitals, nothing else."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def creditor_reference(text: str | None) -> str | None:
    """The number inside an ISO 11649 reference whose check digits are right."""
    joined = compact(text or "")
    if not re.fullmatch(r"RF\d{2}[A-Z0-9]{1,21}", joined):
        return None
    digits = "".join(str(int(sign, 36)) for sign in joined[4:] + joined[:4])
    return joined[4:] if int(digits) % 97 == 1 else None


def creditor_references(text: str | None) -> Iterator[str]:
    """Numbers inside valid ISO 11649 references that stand in free text, in groups of four or in one piece."""
    upper = (text or "").upper()
    for match in _REFERENCE.finditer(upper):
        number = creditor_reference(match.group())
        if number is not None:
            yield number
    for match in re.finditer(r"\bRF\d{2}(?: [A-Z0-9]{1,4}){1,6}", upper):
        pieces = match.group().split(" ")
        for length in range(len(pieces), 1, -1):
            number = creditor_reference("".join(pieces[:length]))
            if number is not None:
                yield number
                break


def split_number(number: str) -> tuple[str, str]:
    """The last group of digits of a number, and what stands before it, compact."""
    match = re.match(r"^(.*?)(\d+)$", compact(number))
    return (match.group(1), match.group(2)) if match else (compact(number), "")


def candidates(text: str | None) -> list[Found]:
    """Pieces of the text that may be numbers, longer ones first where they begin together.

    Dates, amounts of money and customer numbers are blanked before, for they are numbers of something else.
    """
    upper = (text or "").upper()
    for pattern in (_DATE, _MONEY, _PARTY):
        upper = pattern.sub(lambda match: " " * len(match.group()), upper)
    runs = [(match.group(), match.start(), match.end()) for match in _RUN.finditer(upper)]
    found = []
    for first in range(len(runs)):
        joined = ""
        for last in range(first, min(first + _LONGEST, len(runs))):
            if last > first and runs[last][1] - runs[last - 1][2] > _WIDEST_GAP:
                break
            joined += runs[last][0]
            if any(sign.isdigit() for sign in joined):
                has_letters = any(sign.isalpha() for sign in joined)
                start, end = runs[first][1], runs[last][2]
                found.append(
                    Found(joined, start, end, has_letters, _follows_word(runs, first), _is_part(upper, runs, first))
                )
    return sorted(found, key=lambda piece: (piece.start, -piece.end))


def _follows_word(runs: list[tuple[str, int, int]], index: int) -> bool:
    """Whether the nearest word before, over other numbers and words like "no.", is one for an invoice."""
    for word, _, _ in reversed(runs[:index]):
        if word in _WORDS_FOR_INVOICE:
            return True
        if not word.isdigit() and word not in _FILLERS:
            return False
    return False


def _is_part(text: str, runs: list[tuple[str, int, int]], index: int) -> bool:
    """Whether letters stand directly before, at most a sign between, that are no word for an invoice."""
    if index == 0:
        return False
    word, _, end = runs[index - 1]
    between = text[end : runs[index][1]]
    return word.isalpha() and len(between) <= 1 and not between.isspace() and word not in _WORDS_FOR_INVOICE | _FILLERS
