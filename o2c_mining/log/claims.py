"""What others say of a row: the log holds it once, in the newest statement, and each other one is kept as a claim.

Two files may bring the same rows. When one of them drops a row, the row stays as the other says it, and goes only when
nobody says it any more. Claims are versions like the rows of the log, in a table beside each of its tables; a row that
only one brings has none.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from o2c_mining.log.engine import described, literal, number, quoted, scan
from o2c_mining.log.same import FILE, statement_hash
from o2c_mining.log.schema import CLAIMS, KEYS, STAMPS
from o2c_mining.log.store import Writer

_SPEAKER = f"if(starts_with(entity_key, '{FILE}'), entity_key, split_part(entity_key, ':', 1))"


def claims_of(table: str) -> str:
    """The table that holds the claims on the rows of a table."""
    return f"{CLAIMS}/{table}"


def load_claims(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    files: list[str],
    claims: list[str],
    new: str,
    content: Mapping[str, str],
    *,
    speaker: str,
) -> bool:
    """Whether others have a say in the rows of table ``newest``; if so, who says what.

    Then there are the tables ``heard`` (the claims: key, ``ingest_seq``, ``is_mine``) and ``statements`` (of each key
    of ``newest``: ``is_mine``, whether the row is the speaker's; ``is_told``, whether the speaker says what it did not
    say before; ``is_other``, whether that differs from the row; ``heir``, the newest claim of another). Where an event
    stands in its file is none of what is said.

    Parameters
    ----------
    files, claims
        Files of the table and of its claims.
    new
        Query for the rows that the speaker says now.
    content
        Columns that make the content of a row, with their types.
    speaker
        A file's entity key, or the source of all its entity keys.
    """
    key = _key(table)
    mine = f"{_SPEAKER} = {literal(speaker)}"
    heard = f"SELECT {key}, 0::BIGINT AS ingest_seq, false AS is_mine, 0::UBIGINT AS said FROM newest LIMIT 0"
    if claims:
        heard = (
            f"SELECT {key}, ingest_seq, {mine} AS is_mine, {statement_hash(content, _held(connection, claims))} AS "
            f"said FROM (SELECT * FROM {scan(claims)} SEMI JOIN newest USING ({key}) QUALIFY row_number() OVER "
            f"(PARTITION BY {key}, {_SPEAKER} ORDER BY ingest_seq DESC) = 1) WHERE op <> 'D'"
        )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE heard AS {heard}")
    if not number(connection, f"SELECT count(*) FROM newest WHERE NOT ({mine})") + number(
        connection, "SELECT count(*) FROM heard"
    ):
        return False
    held = statement_hash(content, _held(connection, files))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE statements AS SELECT {key}, s.is_mine, "
        "h.said IS DISTINCT FROM n.said AS is_told, r.said IS DISTINCT FROM n.said AS is_other, p.heir "
        f"FROM (SELECT {key}, ingest_seq, {mine} AS is_mine FROM newest) s "
        f"LEFT JOIN (SELECT {key}, {statement_hash(content)} AS said FROM ({new})) n USING ({key}) "
        f"LEFT JOIN (SELECT {key}, said FROM heard WHERE is_mine) h USING ({key}) "
        f"LEFT JOIN (SELECT {key}, max(ingest_seq) AS heir FROM heard WHERE NOT is_mine GROUP BY {key}) p "
        f"USING ({key}) LEFT JOIN (SELECT ingest_seq, {held} AS said FROM {scan(files)}) r USING (ingest_seq)"
    )
    return True


def append_claims(
    connection: duckdb.DuckDBPyConnection, writer: Writer, table: str, files: list[str], claims: list[str], owned: str
) -> int:
    """Append how the claims change by what table ``verdict_<table>`` does to the rows; returns how many did.

    A row that another statement took over is its speaker's claim from then on, a statement that says what the log holds
    is a claim at once, and one that became the row, or is said no more, is none any longer.
    """
    key = _key(table)
    over = f"SELECT {key} FROM verdict_{table} JOIN statements USING ({key}) WHERE op = 'U' AND NOT is_mine"
    mine = f"SELECT {key}, ingest_seq FROM heard WHERE is_mine"
    ceased = f"SELECT {key} FROM {scan(claims)} WHERE {owned}" if claims else f"SELECT {key} FROM heard"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE claimed AS SELECT *, row_number() OVER (ORDER BY {key}, op, seq) - 1 AS rank "
        f"FROM (SELECT {key}, 'I' AS op, 'row' AS place, ingest_seq AS seq FROM newest "
        f"SEMI JOIN ({over}) USING ({key}) "
        f"UNION ALL SELECT {key}, if(h.ingest_seq IS NULL, 'I', 'U'), 'new', NULL FROM statements "
        f"SEMI JOIN new_{table} USING ({key}) LEFT JOIN ({mine}) h USING ({key}) "
        "WHERE NOT is_mine AND is_told AND NOT is_other "
        f"UNION ALL SELECT {key}, 'D', 'claim', ingest_seq FROM ({mine}) SEMI JOIN ({over}) USING ({key}) "
        f"UNION ALL SELECT {key}, 'D', 'claim', ingest_seq FROM ({mine}) SEMI JOIN ({ceased}) USING ({key}) "
        f"ANTI JOIN new_{table} USING ({key}) "
        f"UNION ALL SELECT {key}, 'D', 'claim', taken FROM verdict_{table} WHERE taken IS NOT NULL)"
    )
    count = number(connection, "SELECT count(*) FROM claimed")
    if count:
        first = writer.next_seq(count)
        stamps = f"c.op, {first} + c.rank AS ingest_seq, {writer.number} AS batch_id"
        known = {*_held(connection, writer.files(table))} - {*STAMPS}
        parts = [_rows(connection, f"new_{table}", known, stamps, f"USING ({key}) WHERE c.place = 'new'")]
        for place, stored in (("row", files), ("claim", claims)):
            if stored:
                match = f"ON s.ingest_seq = c.seq AND c.place = '{place}'"
                parts.append(_rows(connection, scan(stored), known, stamps, match))
        writer.append_query(claims_of(table), connection, " UNION ALL BY NAME ".join(parts))
    for name in ("heard", "statements", "claimed"):
        connection.execute(f"DROP TABLE {name}")
    return count


def _rows(connection: duckdb.DuckDBPyConnection, rows: str, known: set[str], stamps: str, match: str) -> str:
    """Rows in the columns that the log's table has, as what became of their claims."""
    columns = ", ".join(
        f"s.{quoted(name)}" for name in described(connection, f"SELECT * FROM {rows}") if name.lower() in known
    )
    return f"SELECT {columns}, {stamps} FROM {rows} s JOIN claimed c {match}"


def _held(connection: duckdb.DuckDBPyConnection, files: list[str]) -> set[str]:
    return {name.lower() for name in described(connection, f"SELECT * FROM {scan(files)}")}


def _key(table: str) -> str:
    return ", ".join(quoted(name) for name in KEYS[table])
