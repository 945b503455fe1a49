"""Read the tables of ``sources.yml`` from a database: keyset paging by (cursor, key) in one read-only snapshot.

The stored cursor is the true newest value read; a run starts ``lookback`` before it, because a row may be committed
after a younger one. What was committed later still, what a clock set back has stamped, and what was deleted is found
by comparing the keys and stamps of all rows. A table is read from its beginning again when the columns read of it
change, because a column that is new may have values in rows whose stamps stayed the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from o2c_mining.connect.catalog import Catalog, Column, SourceTable
from o2c_mining.connect.protocol import Page, Stream, Total
from o2c_mining.errors import ConnectorError

PAGE_ROWS = 10_000
LOOKBACK_SECONDS = 900
LOOKBACK_COUNT = 1_000
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # sources store naive UTC


class SqlSource:
    """An open database as the streams of a catalog."""

    def __init__(self, connection: sa.Connection, catalog: Catalog, *, page_rows: int = PAGE_ROWS) -> None:
        self._connection = connection
        self._catalog = catalog
        self._page_rows = page_rows
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._held = _columns_of_source(connection)
        self._newest: datetime | None = None

    def missing(self) -> list[str]:
        """Tables and columns the connector needs and the source lacks."""
        found = []
        for table in self._catalog.tables:
            held = self._held.get(table.name)
            if held is None:
                if not table.optional:
                    found.append(f"table {table.name}")
                continue
            found += [f"{table.name}.{c.name}" for c in table.columns if c.name not in held and not c.optional]
        return found

    def writable(self) -> list[str]:
        """Tables that the user could change if the session let it; reading needs no such right."""
        if self._is_sqlite:
            return []
        names = [table.name for table in self._catalog.tables if table.name in self._held]
        rights = [sa.func.has_table_privilege(sa.func.quote_ident(name), "INSERT, UPDATE, DELETE") for name in names]
        granted = self._connection.execute(sa.select(*rights)).one()
        return [name for name, right in zip(names, granted, strict=True) if right]

    def pages(self, stream: Stream, after: str | None) -> Iterator[Page]:
        """Rows from ``lookback`` before the cursor on, oldest change first."""
        table = self._catalog.table(stream.name)
        if not self._is_readable(table):
            return
        state = json.loads(after) if after else None
        if state is not None:
            self._note(table, self._bound(table, state["value"]))
        order = self._cursor(table)
        keys = [self._column(name) for name in table.key]
        if state is not None and state.get("columns", "") not in ("", self._columns_read(table)):
            state = None
        start = None if state is None or order is None else self._look_back(table, state["value"])
        last: tuple[object, ...] | None = None
        while True:
            query = self._select(table, order)
            if order is not None and last is None and start is not None:
                query = query.where(order >= start)
            ordering = [*([order] if order is not None else []), *keys]
            if last is not None:
                query = query.where(_after(ordering, last))
            rows = self._connection.execute(query.order_by(*ordering).limit(self._page_rows)).fetchall()
            if not rows:
                return
            tail = rows[-1]
            positions = [[column.name for column in table.columns].index(name) for name in table.key]
            key_values = tuple(tail[position] for position in positions)
            last = (tail[-1], *key_values) if order is not None else key_values
            page = self._to_arrow(table, rows)  # refuses values that are no moments before one becomes a cursor
            yield Page(page, None if order is None else self._written(table, tail[-1], state))
            if len(rows) < self._page_rows:
                return

    def keys(self, stream: Stream) -> pa.Table | None:
        """Keys and stamps of the whole table: a few short columns are cheap enough to read each time."""
        table = self._catalog.table(stream.name)
        columns = [column for column in table.columns if column.name in (*table.key, *table.cursor)]
        if table.name not in self._held:
            return pa.table({c.name: pa.array([], table.schema.field(c.name).type) for c in columns})
        held = self._held[table.name]
        asked = [self._column(c.name) if c.name in held else sa.null().label(c.name) for c in columns]
        query = sa.select(*asked).select_from(sa.table(table.name))
        return _arrow(columns, table.schema, self._connection.execute(query).fetchall())

    def rows(self, stream: Stream, keys: Sequence[Sequence[object]]) -> Iterator[Page]:
        """The rows with these keys."""
        table = self._catalog.table(stream.name)
        if not keys or not self._is_readable(table):
            return
        columns = [self._column(name) for name in table.key]
        condition = columns[0].in_([key[0] for key in keys]) if len(columns) == 1 else _any_of(columns, keys)
        order = self._cursor(table)
        found = self._connection.execute(self._select(table, order).where(condition)).fetchall()
        yield Page(self._to_arrow(table, found), None)

    def total(self, stream: Stream) -> Total:
        """Rows of the whole table, and how many of them repeat a key; rows without key repeat none."""
        table = self._catalog.table(stream.name)
        if not self._is_readable(table):
            return Total(0)
        source = sa.table(table.name)
        keys = [self._column(name) for name in table.key]
        keyed = sa.and_(*[key.is_not(None) for key in keys])
        distinct = sa.select(*keys).select_from(source).where(keyed).distinct().subquery()
        rows, with_key, different = (
            int(self._connection.execute(query).scalar_one())
            for query in (
                sa.select(sa.func.count()).select_from(source),
                sa.select(sa.func.count()).select_from(source).where(keyed),
                sa.select(sa.func.count()).select_from(distinct),
            )
        )
        return Total(rows, with_key - different)

    def watermark(self) -> datetime | None:
        """PostgreSQL: the server's clock at the start of the snapshot. A SQLite file: the newest change in it."""
        if not self._is_sqlite:
            moment = self._connection.execute(sa.select(sa.func.now())).scalar_one()
            assert isinstance(moment, datetime)
            return moment.astimezone(UTC)
        return self._newest

    def _is_readable(self, table: SourceTable) -> bool:
        lacking = [text for text in self.missing() if text.split()[-1].split(".")[0] == table.name]
        if lacking:
            raise ConnectorError(
                f"the source lacks {', '.join(lacking)}; expected what sources.yml names; install the "
                "module that brings it or read another version of the system",
                permanent=True,
            )
        return table.name in self._held

    def _select(self, table: SourceTable, order: sa.ColumnElement[object] | None) -> sa.Select[Any]:
        held = self._held[table.name]
        columns: list[sa.ColumnElement[Any]] = [
            self._column(column.name) if column.name in held else sa.null().label(column.name)
            for column in table.columns
        ]
        if order is not None:
            columns.append(order.label("_cursor"))
        return sa.select(*columns).select_from(sa.table(table.name))

    def _column(self, name: str) -> sa.ColumnClause[object]:
        return sa.column(name)

    def _cursor(self, table: SourceTable) -> sa.ColumnElement[object] | None:
        if not table.cursor:
            return None
        columns = [self._column(name) for name in table.cursor]
        return sa.func.coalesce(*columns, self._bound(table, None))

    def _is_timed(self, table: SourceTable) -> bool:
        return next(column.type for column in table.columns if column.name == table.cursor[0]) == "timestamp"

    def _bound(self, table: SourceTable, value: object) -> Any:
        """A cursor value as the database compares it: SQLite keeps moments as text."""
        if not table.cursor:
            return None
        if not self._is_timed(table):
            return 0 if value is None else int(str(value))
        moment = _FIRST_MOMENT if value is None else datetime.fromisoformat(str(value)).replace(tzinfo=None)
        return moment.isoformat(" ") if self._is_sqlite else moment

    def _look_back(self, table: SourceTable, value: object) -> object:
        if not self._is_timed(table):
            return int(str(value)) - (table.lookback if table.lookback is not None else LOOKBACK_COUNT)
        seconds = table.lookback if table.lookback is not None else LOOKBACK_SECONDS
        moment = datetime.fromisoformat(str(value)).replace(tzinfo=None) - timedelta(seconds=seconds)
        return self._bound(table, moment.isoformat())

    def _written(self, table: SourceTable, value: object, state: Mapping[str, object] | None) -> str:
        """The cursor to store: never before the one the run started from."""
        bound = self._bound(table, value)
        self._note(table, bound)
        if state is not None:
            bound = max(bound, self._bound(table, state["value"]))
        return json.dumps({"value": str(bound), "columns": self._columns_read(table)})

    def _columns_read(self, table: SourceTable) -> str:
        """Fingerprint of the columns that source and connector both know, and how they are read."""
        held = self._held[table.name]
        names = sorted(f"{column.name}:{column.type}" for column in table.columns if column.name in held)
        return hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]

    def _note(self, table: SourceTable, bound: object) -> None:
        if table.cursor and self._is_timed(table):
            moment = _moment(bound)
            if moment is not None and (self._newest is None or moment > self._newest):
                self._newest = moment

    def _to_arrow(self, table: SourceTable, rows: Sequence[Sequence[object]]) -> pa.Table:
        return _arrow(table.columns, table.schema, rows)


def _columns_of_source(connection: sa.Connection) -> dict[str, set[str]]:
    """Columns per table as the database's own catalogue names them."""
    if connection.dialect.name == "sqlite":
        master = sa.table("sqlite_master", sa.column("name"), sa.column("type"))
        info = sa.func.pragma_table_info(master.c.name).table_valued("name")
        joined = master.join(info, sa.true())
        query = sa.select(master.c.name, info.c.name).select_from(joined).where(master.c.type.in_(["table", "view"]))
    else:
        columns = sa.table(
            "columns",
            sa.column("table_name"),
            sa.column("column_name"),
            sa.column("table_schema"),
            schema="information_schema",
        )
        query = sa.select(columns.c.table_name, columns.c.column_name).where(
            columns.c.table_schema == sa.func.current_schema()
        )
    held: dict[str, set[str]] = {}
    for table, column in connection.execute(query):
        held.setdefault(str(table), set()).add(str(column))
    return held


def _after(ordering: Sequence[sa.ColumnElement[object]], last: Sequence[object]) -> sa.ColumnElement[bool]:
    """Strictly after ``last`` in the order of several columns."""
    alternatives = []
    for index, column in enumerate(ordering):
        same = [ordering[before] == last[before] for before in range(index)]
        alternatives.append(sa.and_(*same, column > last[index]))
    return sa.or_(*alternatives)


def _any_of(columns: Sequence[sa.ColumnClause[object]], keys: Sequence[Sequence[object]]) -> sa.ColumnElement[bool]:
    return sa.or_(*[sa.and_(*[c == v for c, v in zip(columns, key, strict=True)]) for key in keys])


def _arrow(columns: Sequence[Column], schema: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.Table:
    arrays = {}
    for index, column in enumerate(columns):
        read = _READERS[column.type]
        try:
            values = [None if row[index] is None else read(row[index]) for row in rows]
            arrays[column.name] = pa.array(values, schema.field(column.name).type)
        except (ValueError, TypeError, ArithmeticError, UnicodeDecodeError) as error:
            raise ConnectorError(
                f"column {column.name} holds a value that is no {column.type} ({error}); expected the type of "
                "sources.yml; correct the type there",
                permanent=True,
            ) from error
    return pa.table(arrays)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _decimal(value: object) -> Decimal:
    """Exact: a SQLite float is taken by its shortest decimal form, which is what was stored."""
    number = Decimal(repr(value) if isinstance(value, float) else _text(value))
    return number.quantize(Decimal(1).scaleb(-10))


def _moment(value: object) -> datetime | None:
    """A naive moment is UTC: that is how the systems we read store it."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _day(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(_text(value)[:10])


_READERS = {
    "integer": lambda value: int(_text(value)),
    "text": _text,
    "decimal": _decimal,
    "number": lambda value: float(_text(value)),
    "boolean": lambda value: bool(value),
    "date": _day,
    "timestamp": _moment,
}
