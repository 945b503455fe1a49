"""Around every page's content: errors in three parts, how fresh the data are, a note when newer ones came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import streamlit as st

from dashboards.data import Desk, newest_number, use_newest
from dashboards.wording import moment
from o2c_mining.errors import O2CError

_CHECK_SECONDS = 10
_LATE = timedelta(days=1)  # a source this much behind the newest one is called late


@contextmanager
def explained() -> Iterator[None]:
    """Show an error of ours as what is wrong, what was expected and what to do; never a traceback."""
    try:
        yield
    except O2CError as error:
        what, expected, mend = three_parts(str(error))
        lines = [f"**{what[:1].upper()}{what[1:]}.**"]
        lines += [f"Expected: {expected}."] if expected else []
        lines += [f"What to do: {mend}."] if mend else []
        st.error("  \n".join(lines), icon=":material/error:")
        st.stop()


def three_parts(message: str) -> tuple[str, str, str]:
    """Our messages are ``what is wrong; what was expected; what to do``; a shorter one leaves the rest empty."""
    parts = [part.strip().rstrip(".") for part in message.split(";")]
    if len(parts) == 1:
        return parts[0], "", ""
    if len(parts) == 2:
        return parts[0], "", parts[1]
    return parts[0], "; ".join(parts[1:-1]).removeprefix("expected "), parts[-1]


def freshness(here: Desk) -> None:
    """As of when, and up to when each source is complete; a source that lags is marked."""
    log = here.base.log
    marks = log.snapshot.watermarks()
    newest = max(marks.values(), default=log.as_of)
    sources = [
        f":orange[{name} {moment(mark, here.zone)}, late]"
        if newest - mark > _LATE
        else f"{name} {moment(mark, here.zone)}"
        for name, mark in sorted(marks.items())
    ]
    complete = f" · complete to: {', '.join(sources)}" if sources else ""
    st.caption(f"As of {moment(log.as_of, here.zone)}{complete} · load {here.number}", width="content")


@st.fragment(run_every=_CHECK_SECONDS)
def newer_data(here: Desk) -> None:
    """A button as soon as a newer load is complete; what is on screen stays as it is until it is pressed."""
    number = newest_number()
    if number != here.number and st.button(
        f"New data: load {number}", icon=":material/refresh:", type="primary", key="newer", on_click=use_newest
    ):
        st.rerun()
