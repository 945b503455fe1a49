"""ibis expressions as Spark SQL that means what the same expression means on DuckDB.

ibis' own compiler for Spark is the base. Rewritten here is only where the two engines would give different answers to
the same expression, so that analyses need not know which engine they run on.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import WITH_ARG, SQLGlotCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

from o2c_mining.errors import AnalysisError

_PART = f"part_{uuid4().hex}_"  # in no text that a query may hold
_COSTLY = (sge.Join, sge.Group, sge.Window, sge.Distinct)
# Java writes doubles of these sizes with an exponent, DuckDB without.
_LARGE, _SMALL, _HUGE, _TINY = 1e7, 1e-3, 1e15, 1e-4


@dataclass(frozen=True, slots=True)
class SparkQuery:
    """A query and the parts of it that it uses several times: name and SQL of each, in the order to compute them.

    Spark would compute a part anew for every use, and plan it anew, so that a chain of them grows exponentially.
    """

    parts: tuple[tuple[str, str], ...]
    sql: str

    def named(self, prefix: str) -> SparkQuery:
        """The same with names of parts that begin with ``prefix``, so that two answers may be computed at a time."""
        parts = tuple((prefix + name, sql.replace(_PART, prefix + _PART)) for name, sql in self.parts)
        return SparkQuery(parts, self.sql.replace(_PART, prefix + _PART))


@functools.lru_cache(maxsize=4096)
def spark_query(operation: ops.Node) -> SparkQuery:
    """The expression as a query over its costly parts.

    Raises
    ------
    AnalysisError
        If it uses something whose answer would differ from DuckDB's.
    """
    query = _COMPILER.to_sqlglot(operation.to_expr().unbind()).copy()  # uses of a part share a node before
    shared = query.ctes
    query.set(WITH_ARG, None)
    costly = {cte.alias: _PART + cte.alias for cte in shared if cte.this.find(*_COSTLY)}
    for tree in (query, *(cte.this for cte in shared)):
        for name in _names(tree):
            if name.this in costly:
                name.set("this", costly[name.this])
    cheap = [cte for cte in shared if cte.alias not in costly]
    parts = [(costly[cte.alias], _sql(cte.this, cheap)) for cte in shared if cte.alias in costly]
    return SparkQuery(tuple(parts), _sql(query, cheap))


def _names(tree: Any) -> list[Any]:
    """Names of what a query reads from."""
    return [node.this for node in tree.find_all(sge.Table, sge.From) if isinstance(node.this, sge.Identifier)]


def _sql(query: Any, ctes: Sequence[Any]) -> str:
    """SQL of a query with those of the shared parts that it uses, directly or through another."""
    used: list[Any] = []
    asked = {name.this for name in _names(query)}
    for cte in reversed(ctes):
        if cte.alias in asked:
            used.insert(0, cte.copy())
            asked |= {name.this for name in _names(cte.this)}
    if used:
        query = query.copy()
        query.set(WITH_ARG, sge.With(expressions=used))
    return str(query.sql(dialect=_COMPILER.dialect))


class _Compiler(PySparkCompiler):  # type: ignore[misc]
    """Spark SQL with DuckDB's answers."""

    __slots__ = ()

    # NaN is a number, not a missing value; ibis' rules read an option of a backend that is never opened here.
    visit_Field = SQLGlotCompiler.visit_Field
    visit_IsNull = SQLGlotCompiler.visit_IsNull
    visit_NotNull = SQLGlotCompiler.visit_NotNull

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:
        """Numbers as they are."""
        if dtype.is_floating():
            # Spark takes 0.5 for a decimal; sums and quotients would be rounded.
            return sge.Cast(this=sge.convert(repr(float(value))), to=sge.DataType.build("double"))
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_TimestampDelta(self, op: Any, *, part: Any, left: Any, right: Any) -> Any:
        """Unit boundaries between two moments, as DuckDB counts them; Spark's own function counts whole units."""
        unit = str(part.this).lower()
        if unit == "microsecond":
            return sge.Paren(this=self.f.unix_micros(left) - self.f.unix_micros(right))
        if unit == "second":
            return sge.Paren(this=self.f.anon.unix_seconds(left) - self.f.anon.unix_seconds(right))
        raise AnalysisError(
            f"a time difference in {unit}s was asked for on Spark; expected microseconds or seconds, which both "
            "engines count alike; divide microseconds"
        )

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:
        """Numbers and moments become the text that DuckDB writes."""
        text = self.cast(arg, to)
        if not to.is_string():
            return text
        kind = op.arg.dtype
        if kind.is_timestamp() and kind.timezone is not None:
            return self.f.concat(text, sge.convert("+00"))
        if kind.is_floating():
            digits = sge.Cast(this=arg, to=sge.DataType.build("decimal(38, 19)", dialect="spark"))
            plain = self.f.anon.regexp_replace(self.cast(digits, to), sge.convert("0+$"), sge.convert(""))
            whole = self.f.anon.regexp_replace(plain, sge.convert("[.]$"), sge.convert(".0"))
            size = self.f.abs(arg)
            usual = sge.And(this=size >= _SMALL, expression=size < _LARGE)
            unusual = sge.And(this=size >= _TINY, expression=size < _HUGE)
            return self.if_(usual, text, self.if_(unusual, whole, text))
        return text

    def visit_Mode(self, op: Any, *, arg: Any, where: Any) -> Any:
        """Refused: which of several equally frequent values comes out is chance on DuckDB."""
        raise AnalysisError(
            "the most frequent value was asked for on Spark; expected an order among equally frequent ones; count the "
            "values and take the first by count and value"
        )

    def visit_ArrayStringJoin(self, op: Any, *, arg: Any, sep: Any) -> Any:
        """An empty list becomes the empty text, not null."""
        return self.f.anon.array_join(arg, sep)


_COMPILER = _Compiler()
