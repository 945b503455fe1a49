"""Which column is the case, the activity, the time: proposed from names and from every value, doubts said aloud."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from o2c_mining.errors import LogError
from o2c_mining.exchange.dates import (
    NOTHING,
    SPREADSHEET,
    UNDECIDED,
    DateColumn,
    counted_column,
    date_column,
    no_date,
    read_date,
)
from o2c_mining.exchange.flat_columns import usual_moments
from o2c_mining.exchange.mapping import Mapping
from o2c_mining.exchange.numbers import COMMA, POINT, is_plain, number_column

# Names by role, best first, without case, blanks and punctuation.
_ROLES = {
    "event_id": "eventid identityid eventnumber",
    "case": "caseid caseconceptname case casenumber caseno traceid orderid orderno ordernumber salesorder order "
    "auftragsnummer auftrag verkaufsbeleg commande numérodecommande ncommande ncde pedido ordine vbeln belegnummer "
    "documentnumber documentno document vorgangsnummer invoiceid invoiceno "
    "invoicenumber invoice ticketid ticket processid instanceid id",
    "activity": "activity activityname conceptname eventname event eventtype task taskname step action aktivität "
    "aktivitaet tätigkeit taetigkeit vorgang schritt activité activite étape etape actividad attività attivita "
    "activiteit operation status state",
    "timestamp": "timestamp timetimestamp completetimestamp eventtimestamp eventtime time datetime completetime "
    "completiontime complete endtimestamp endtime end enddate completed zeitstempel zeitpunkt eventdate date datum "
    "zeit createdat created changedat horodatage dateetheure dateheure fecha fechahora data dataora tijdstip "
    "erdat udate cpudt aedat",
    "start": "starttimestamp starttime startdate start begintime begin beginn started startedat",
    "resource": "resource orgresource user username userid performer agent employee worker actor operator bearbeiter "
    "benutzer mitarbeiter sachbearbeiter utilisateur opérateur usuario utente gebruiker",
    "system": "system sourcesystem quellsystem",
    "team": "team group orggroup orgrole role department abteilung gruppe",
    "clock": "clock timeofday clocktime time uhrzeit zeit heure hora ora tijd uzeit erzet utime cputm eventtime "
    "createdtime",
}
_CLOCK = re.compile(r"^(?:\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?\s*(?:[AaPp]\.?[Mm]\.?)?)$")
_DIGITS = re.compile(r"^(?:[01]?\d|2[0-3])[0-5]\d[0-5]\d$")  # 081500, as SAP writes it
_ROUNDED = re.compile(r"^\d(?:[.,]\d+)?[eE]\+\d+$")
_MANY = 200
# Which share of the different values of a column may be no dates; more where its name says that it is a time.
_TOLERATED, _TOLERATED_NAMED = 0.1, 0.5
# How a date without a time of day ends where somebody wrote one nevertheless.
MIDNIGHTS = (" 00:00", "T00:00", " 00:00:00", "T00:00:00", " 00:00:00.000", "T00:00:00.000", "T00:00:00Z")


@dataclass(slots=True)
class _Columns:
    """What each column holds."""

    file: str
    table: pa.Table
    dates: dict[str, DateColumn] = field(default_factory=dict)
    numbers: dict[str, frozenset[str]] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)
    distinct: dict[str, int] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)  # taken for dates because no other column is one


def propose(
    table: pa.Table,
    *,
    file: str,
    encoding: str = "utf-8",
    delimiter: str = ",",
    sheet: str | None = None,
    guesses: dict[str, str] | None = None,
    timezone: str | None = None,
    case_type: str | None = None,
) -> tuple[Mapping, list[str]]:
    """A mapping for a table of text and what is doubtful about it.

    Parameters
    ----------
    file
        Its name, for messages.
    timezone
        The zone for times without one, where the company's settings name it; else the question stays open.

    Raises
    ------
    LogError
        If no column can be a time, or there are fewer than three columns' worth of information.
    """
    guesses = dict(guesses or {})
    doubts: list[str] = []
    columns = _profile(file, table)
    chosen = _roles(columns, guesses, doubts)
    orders = {}
    for name, found in columns.dates.items():
        orders[name] = found.order
        if found.undecided:
            guesses[f"dates.{name}"] = found.guess
            doubts.append(f"{name}: {_why_open(found)}; guessed {found.guess}")
        elif found.order.startswith("epoch-"):
            doubts.append(f"{name}: numbers that count {found.order.removeprefix('epoch-')} since 1970 in UTC")
        if found.misfits:
            what = "1 value is no date" if found.misfits == 1 else f"{found.misfits:,} values are no dates"
            rows = "its rows" if found.misfits == 1 else "their rows"
            doubts.append(f"{name}: {what} ({no_date(found.example)}); {rows} will be quarantined")
    zone = None
    likely = {role: guesses.get(role) if name == UNDECIDED else name for role, name in chosen.items()}
    times = [likely[name] for name in ("timestamp", "start") if likely[name] in columns.dates]
    if any(not columns.dates[str(name)].zoned for name in times):
        zone = timezone or UNDECIDED
        zoneless = _zoneless([columns.dates[str(name)] for name in times])
        if timezone is None:
            guesses["timezone"] = "UTC"
            doubts.append(f"{zoneless} no time zone; guessed UTC")
        else:
            doubts.append(f"{zoneless} no time zone; taken as {timezone}, the company's")
    decimal, kinds = _decimal(columns, delimiter, guesses, doubts)
    _doubt_cases(columns, likely["case"], guesses, doubts, chosen)
    taken = {value for value in chosen.values() if value}
    rest = [name for name in table.column_names if name not in taken]
    fixed = _constant(table, chosen["case"], rest)
    mapping = Mapping.model_validate(
        {
            "encoding": encoding,
            "delimiter": delimiter,
            "sheet": sheet,
            "decimal": decimal,
            "timezone": zone,
            "case_type": case_type or "case",
            **chosen,
            "dates": orders,
            "numbers": {name: mark for name, mark in kinds.items() if name in rest},
            "attributes": [name for name in rest if name not in fixed],
            "case_attributes": [name for name in rest if name in fixed],
            "guesses": guesses,
        }
    )
    return mapping, doubts


def _zoneless(found: Iterable[DateColumn]) -> str:
    """How many times are without a zone: "times name", "1 of 3 different times names"."""
    found = list(found)
    without, total = sum(column.unzoned for column in found), sum(column.fitting for column in found)
    if without == total:
        return "times name"
    return f"{without:,} of {total:,} different times {'names' if without == 1 else 'name'}"


def _profile(file: str, table: pa.Table) -> _Columns:
    columns = _Columns(file, table)
    for name in table.column_names:
        values = _distinct(table[name])
        columns.distinct[name] = len(values)
        if not values:
            continue
        marks = number_column(values)
        if marks is not None:
            if is_plain(values):
                columns.plain.add(name)
            else:
                columns.numbers[name] = marks
        found = _dates(values, tolerated=_TOLERATED_NAMED if _is_time(name) else _TOLERATED)
        if found is None and _is_time(name):
            found = counted_column(values, tolerated=_TOLERATED_NAMED)
        if found is not None and (name not in columns.plain or _is_time(name)):
            columns.dates[name] = found
            columns.numbers.pop(name, None)
            columns.plain.discard(name)
    if not columns.dates:
        _look_again(columns)
    return columns


def _look_again(columns: _Columns) -> None:
    """Take a column for dates that holds more of something else than usual, where no column holds dates alone.

    Raises
    ------
    LogError
        If there is none either.
    """
    names = columns.table.column_names
    for name in names:
        values = _distinct(columns.table[name])
        found = _dates(values, tolerated=_TOLERATED_NAMED) if name not in columns.plain else None
        if found is not None:
            columns.dates[name] = found
            columns.doubtful.add(name)
    if columns.dates:
        return
    why = []
    for name in names:
        values = _distinct(columns.table[name]) or [""]
        if _is_time(name) or counted_column(values, tolerated=0):
            why.append(f"{name}: {no_date(next((v for v in values if _dates([v], tolerated=0) is None), values[0]))}")
    said = "; ".join(why) or f"columns: {', '.join(names[:20])}"
    raise LogError(
        f"{columns.file}: no column holds dates or times ({said}); expected one for the time of each event; check the "
        "delimiter, or write a mapping"
    )


def _is_time(name: str) -> bool:
    return _key(name) in f"{_ROLES['timestamp']} {_ROLES['start']}".split()


def _why_open(found: DateColumn) -> str:
    if found.guess == SPREADSHEET:
        return "numbers that may be days as spreadsheets count them"
    if found.contradicting:
        return "some values fit only one order of day and month, others only another"
    return "every value fits more than one order of day and month"


def _dates(values: list[str], *, tolerated: float) -> DateColumn | None:
    """What a column of dates says; texts in the form that computers write are not looked at one by one."""
    texts = pa.array(values, pa.string())
    usual = usual_moments(texts, None)
    if usual is None:
        return date_column(values, tolerated=tolerated)
    plain = len(texts) - usual.time.null_count
    rest = texts.filter(pc.is_null(usual.time)).to_pylist()
    zoned = int(pc.sum(usual.zoned).as_py() or 0) - len(rest)
    return date_column(rest, tolerated=tolerated, plain=plain, plain_zoned=zoned)


def _distinct(column: pa.ChunkedArray) -> list[str]:
    return [value for value in pc.unique(column).to_pylist() if value.strip().lower() not in NOTHING]


def _roles(columns: _Columns, guesses: dict[str, str], doubts: list[str]) -> dict[str, str | None]:
    table, rows = columns.table, columns.table.num_rows
    chosen: dict[str, str | None] = dict.fromkeys(_ROLES)
    free = list(table.column_names)

    def take(role: str, among: Iterable[str]) -> None:
        found = _named(role, [name for name in among if name in free])
        if found is not None:
            chosen[role] = found
            free.remove(found)

    take("event_id", [name for name in free if columns.distinct[name] == rows])
    take("timestamp", columns.dates)
    take("start", columns.dates)
    take(
        "activity", [n for n in free if n not in columns.dates and n not in columns.numbers and n not in columns.plain]
    )
    take(
        "case", [n for n in free if n not in columns.dates and n not in columns.numbers and columns.distinct[n] < rows]
    )
    if chosen["case"] is None:
        take("case", [n for n in free if n not in columns.dates and n not in columns.numbers])
    strange = _named("case", [name for name in free if name in columns.numbers])
    if chosen["case"] is None and strange is not None:
        free.remove(strange)
        chosen["case"], guesses["case"] = UNDECIDED, strange
        doubts.append(f"{strange} is called like a case and holds numbers with fractions; guessed it is one")
    take("resource", free)
    take("team", free)
    take("system", free)
    _fill(columns, chosen, free, guesses, doubts)
    _find_clock(columns, chosen, free, guesses, doubts)
    return chosen


def _find_clock(
    columns: _Columns, chosen: dict[str, str | None], free: list[str], guesses: dict[str, str], doubts: list[str]
) -> None:
    """The column with the time of day, where that of the timestamp has only days."""
    day = guesses.get("timestamp") if chosen["timestamp"] == UNDECIDED else chosen["timestamp"]
    if day is None or not all(_only_day(value, columns.dates[day]) for value in _distinct(columns.table[day])):
        return
    found = []
    for name in free:
        values = _distinct(columns.table[name]) if name not in columns.dates else []
        named = _key(name) in _ROLES["clock"].split()
        if values and all(_CLOCK.match(value.strip()) or (named and _DIGITS.match(value.strip())) for value in values):
            found.append(name)
    best = _named("clock", found) or (found[0] if len(found) == 1 else None)
    if best is not None:
        chosen["clock"] = best
        doubts.append(f"{day} has only days; {best} is taken as the time of day")
    elif found:
        chosen["clock"], guesses["clock"] = UNDECIDED, found[0]
        doubts.append(f"{day} has only days; any of {', '.join(found)} may be the time of day; guessed {found[0]!r}")


def _only_day(value: str, column: DateColumn) -> bool:
    found = read_date(value, column.guess, None)
    return found is None or found.precision == "day" or value.strip().endswith(MIDNIGHTS)


def _doubt_cases(
    columns: _Columns, case: str | None, guesses: dict[str, str], doubts: list[str], chosen: dict[str, str | None]
) -> None:
    """What spreadsheets do to numbers of documents: cut their zeros off, round them."""
    values = _distinct(columns.table[case]) if case else []
    bare: dict[str, str] = {}
    for value in values:
        if _ROUNDED.match(value):
            chosen["case"], guesses["case"] = UNDECIDED, str(case)
            doubts.append(f"{case}: numbers such as {value} were rounded by a spreadsheet; several cases may be one")
            return
        other = bare.setdefault(value.lstrip("0"), value) if value.isdigit() else value
        if other != value:
            doubts.append(f"{case}: {other} and {value} differ only in zeros before them and are two cases")
            return


def _fill(
    columns: _Columns, chosen: dict[str, str | None], free: list[str], guesses: dict[str, str], doubts: list[str]
) -> None:
    """Roles no name tells: decided by what is in the columns where only one fits, else left open with a guess."""
    rows = columns.table.num_rows
    words = [n for n in free if n not in columns.dates and n not in columns.numbers and columns.distinct[n]]
    fitting = {
        "timestamp": [name for name in columns.dates if name in free],
        "activity": sorted(
            (n for n in words if n not in columns.plain and 1 < columns.distinct[n] <= max(_MANY, rows // 10)),
            key=lambda name: columns.distinct[name],
        ),
        "case": sorted((n for n in words if 1 < columns.distinct[n] < rows), key=lambda name: -columns.distinct[name]),
    }
    for role, names in fitting.items():
        if chosen[role] is not None:
            continue
        names = [name for name in names if name in free]
        if not names:
            raise LogError(
                f"{columns.file}: no column can be the {role} (columns: "
                f"{', '.join(columns.table.column_names[:20])}); expected one; write a mapping that names it"
            )
        free.remove(names[0])
        if len(names) == 1 and role == "timestamp" and names[0] not in columns.doubtful:
            chosen[role] = names[0]
            continue
        chosen[role] = UNDECIDED
        guesses[role] = names[0]
        doubts.append(f"no name says which column is the {role}; guessed {names[0]!r} of {', '.join(names[:5])}")


def _named(role: str, names: list[str]) -> str | None:
    ranks = {word: rank for rank, word in enumerate(_ROLES[role].split())}
    known = [(ranks[_key(name)], number, name) for number, name in enumerate(names) if _key(name) in ranks]
    return min(known)[2] if known else None


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _decimal(
    columns: _Columns, delimiter: str, guesses: dict[str, str], doubts: list[str]
) -> tuple[str, dict[str, str]]:
    """The decimal mark of the file and per number column the mark that fits it, or that it follows the file's."""
    kinds = {name: next(iter(marks)) for name, marks in columns.numbers.items() if len(marks) == 1}
    open_ = [name for name, marks in columns.numbers.items() if len(marks) > 1]
    evidence = set(kinds.values())
    kinds |= dict.fromkeys(open_, "decimal") | dict.fromkeys(columns.plain, "decimal")
    if len(evidence) == 1:
        return evidence.pop(), kinds
    guess = COMMA if delimiter == ";" else POINT
    if not open_:
        return guess, kinds
    guesses["decimal"] = guess
    doubts.append(f"{', '.join(open_)}: '.' and ',' may divide thousands or decimals; guessed {guess!r} for decimals")
    return UNDECIDED, kinds


def _constant(table: pa.Table, case: str | None, names: list[str]) -> set[str]:
    """Columns that have one value per case in every row."""
    if case is None or case == UNDECIDED or not names:
        return set()
    # numbers for names: a dot in a name would be taken for a path
    plain = {str(place): table[name] for place, name in enumerate([case, *names])}
    found = pa.table(plain).group_by("0").aggregate([(place, "count_distinct") for place in plain if place != "0"])
    most = {name: pc.max(found[f"{place}_count_distinct"]).as_py() or 0 for place, name in enumerate(names, 1)}
    return {name for name in names if most[name] <= 1}
