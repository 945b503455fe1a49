"""The filters that every analysis takes: declared once here, handed to a command as one ``ObjectFilter``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.trace.select import ObjectFilter

Command = Callable[..., None]

LensOption = Annotated[str | None, typer.Option("--lens", metavar="TYPE", help="Object type taken as the case.")]
_ALWAYS = {
    "where": Annotated[
        list[str] | None,
        typer.Option("--where", metavar="ATTR=VALUE[,VALUE]", help="Keep cases with this attribute; repeatable."),
    ],
    "with_": Annotated[
        list[str] | None,
        typer.Option("--with", metavar="ACTIVITY", help="Keep cases in which it happened; repeatable."),
    ],
    "without": Annotated[
        list[str] | None, typer.Option("--without", metavar="ACTIVITY", help="Keep cases without it; repeatable.")
    ],
    "variant": Annotated[int | None, typer.Option("--variant", metavar="N", help="Rank in the unfiltered lens.")],
}
CASES: Mapping[str, object] = {
    "lens": LensOption,
    "from_": Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="Cases that start on this day or later (company's zone)."),
    ],
    "to": Annotated[str | None, typer.Option("--to", metavar="DATE", help="Cases that start before this day.")],
    **_ALWAYS,
}
# Where the days bound what is measured, not when a case starts.
PERIOD: Mapping[str, object] = {
    "from_": Annotated[str | None, typer.Option("--from", metavar="DATE", help="Start of the period.")],
    "to": Annotated[str | None, typer.Option("--to", metavar="DATE", help="End of the period (not included).")],
    **_ALWAYS,
    "lens": LensOption,
}


def filtered_by(options: Mapping[str, object]) -> Callable[[Command], Command]:
    """Put these options where a command has its parameter ``chosen``, and hand it the filter that they describe."""

    def declared(command: Command) -> Command:
        hints = get_type_hints(command, localns={"ObjectFilter": object}, include_extras=True)
        parameters: list[Parameter] = []
        for own in signature(command).parameters.values():
            if own.name == "chosen":
                parameters += [
                    Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
                    for name, kind in options.items()
                ]
            else:
                parameters.append(own.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[own.name]))

        @wraps(command)
        def run(**given: Any) -> None:
            chosen = _object_filter(**{name: given.pop(name) for name in options})
            command(chosen=chosen, **given)

        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return declared


def _object_filter(
    lens: str | None = None,
    from_: str | None = None,
    to: str | None = None,
    where: Sequence[str] | None = None,
    with_: Sequence[str] | None = None,
    without: Sequence[str] | None = None,
    variant: int | None = None,
) -> ObjectFilter:
    """The filter that the options describe."""
    from o2c_mining.trace.select import ObjectFilter

    conditions = []
    for condition in where or ():
        attribute, equals, values = condition.partition("=")
        if not equals or not attribute.strip() or not values:
            raise ConfigError(
                f"--where {condition!r} is no condition; expected attribute=value[,value]; for example region=DACH,UK"
            )
        conditions.append((attribute.strip(), tuple(value.strip() for value in values.split(","))))
    start, end = _day("--from", from_), _day("--to", to)
    if start is not None and end is not None and end <= start:
        raise ConfigError(f"--to {end} is not after --from {start}; expected a later day; the interval is half-open")
    return ObjectFilter(lens, start, end, tuple(conditions), tuple(with_ or ()), tuple(without or ()), variant)


def _day(name: str, text: str | None) -> date | None:
    """A day such as 2026-01-31."""
    if text is None:
        return None
    try:
        if "W" in text:
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{name} {text!r} is no day; expected YYYY-MM-DD; for example 2026-01-31") from error
