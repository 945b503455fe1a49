"""Widgets to view: the filter row, its state in the URL, and the chips that take a condition away again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import streamlit as st

from dashboards.data import Desk, choices_of
from dashboards.view import Change, View, attribute_name, from_params, parts, to_params
from dashboards.wording import plural
from o2c_mining.analysis.filter_choices import Choice
from o2c_mining.trace.lens import kept_lenses
from o2c_mining.trace.select import ObjectFilter

ALL = "All"
PREFERRED = ("region", "country", "company_code", "entity", "segment")
_KEPT = "_cockpit_params"
_CHANGED = "_filter_changed"


def read_view(here: Desk) -> View:
    """The view the URL asks for; on coming back from another page the one that was left."""
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    if not params and _KEPT in st.session_state:
        params = st.session_state[_KEPT]
    view, refused = from_params(params)
    st.session_state["_focus"] = view.focus
    st.session_state.pop(_CHANGED, None)
    for problem in refused:
        st.warning(f"The link was not understood in full. {problem}.", icon=":material/link_off:")
    lenses = lens_options(here)
    if view.filter.lens is not None and view.filter.lens not in lenses:
        st.warning(
            f"The link asks to follow '{view.filter.lens}'; this log can follow {', '.join(lenses)}.",
            icon=":material/link_off:",
        )
        view = replace(view, filter=replace(view.filter, lens=None))
    return view


def write_view(view: View) -> None:
    """Put the view into the URL, so that the address can be kept or sent."""
    params = to_params(view)
    st.session_state[_KEPT] = params
    if {name: st.query_params.get_all(name) for name in st.query_params} != params:
        st.query_params.from_dict(params)


def change(how: Callable[[View], View]) -> None:
    """For callbacks: change the view that the URL holds now.

    What a callback was made with may be a run older than the screen, so it says how to change, not what to show.
    """
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    write_view(how(from_params(params)[0]))


def change_filter(how: Change) -> None:
    """For callbacks: change the conditions, and let the filter row take its state from them anew."""
    change(lambda view: replace(view, filter=how(view.filter)))
    st.session_state[_CHANGED] = True
    for name in [name for name in st.session_state if str(name).startswith("f:")]:
        del st.session_state[name]


def rerun_page_if_changed() -> None:
    """For parts that rerun alone: a changed filter concerns the whole page."""
    if st.session_state.pop(_CHANGED, False):
        st.rerun()


def lens_options(here: Desk) -> list[str]:
    """What can be followed: the lenses whose traces are kept."""
    return kept_lenses(here.known_types, here.workspace.config) or [here.lens]


def filter_row(here: Desk, view: View) -> View:
    """The filter row; returns the view as the widgets now have it."""
    chosen = view.filter
    lenses = lens_options(here)
    lens = chosen.lens or (here.lens if here.lens in lenses else lenses[0])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="filters"):
        lens = _segments("Follow", lenses, lens, "f:lens", lambda name: plural(name).capitalize())
        period = _period(here, chosen)
        where = _attributes(here, lens, chosen)
        working = _time(here, view)
        colour = _segments(
            "Map colour",
            ["waiting", "frequency"],
            view.colour,
            "f:colour",
            {"waiting": "Waiting", "frequency": "Frequency"}.__getitem__,
        )
    kept = (*where, *_hidden_conditions(here, lens, chosen))
    default_lens = None if lens == here.lens else lens
    return replace(
        view,
        filter=replace(chosen, lens=default_lens, start=period[0], end=period[1], where=kept),
        working=working,
        colour="frequency" if colour == "frequency" else "waiting",
    )


def chips(view: View) -> None:
    """Conditions that no widget of the row shows, each as a button that takes it away."""
    for text, how in parts(view.filter):
        if text.startswith(("with ", "without ", "variant ")):
            _condition(text, how, "chip")


def loosen(view: View, noun: str) -> None:
    """What to do when no case is left: every condition as a button."""
    st.info(f"No {noun} fits all conditions. Take one away:", icon=":material/filter_alt_off:")
    with st.container(horizontal=True, gap="small"):
        for text, how in parts(view.filter):
            _condition(text, how, "loosen")
        st.button(
            "All conditions",
            key="loosen:all",
            type="primary",
            on_click=change_filter,
            args=(lambda now: ObjectFilter(lens=now.lens),),
        )


def _condition(text: str, how: Change, place: str) -> None:
    st.button(
        text,
        key=f"{place}:{text}",
        icon=":material/close:",
        help="Take this condition away",
        on_click=change_filter,
        args=(how,),
    )


def _segments(label: str, options: list[str], now: str, key: str, words: Callable[[str], str]) -> str:
    st.session_state.setdefault(key, now)
    picked = st.segmented_control(label, options, key=key, format_func=words, required=True)
    return str(picked or now)


def _period(here: Desk, chosen: ObjectFilter) -> tuple[date | None, date | None]:
    st.session_state.setdefault("f:from", chosen.start)
    st.session_state.setdefault("f:to", chosen.end)
    first, last = here.span
    start = _day("Begun from", "f:from", first, last)
    end = _day("to before", "f:to", first, last)
    if start and end and end <= start:
        st.warning("The period ends before it begins; it is left out until its end lies later.")
        return None, None
    return start, end


def _day(label: str, key: str, first: date, last: date) -> date | None:
    return st.date_input(label, None, min_value=first, max_value=last, format="YYYY-MM-DD", width=128, key=key)


def _attributes(here: Desk, lens: str, chosen: ObjectFilter) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Pills for the attributes: the first in the row, the others behind a button that counts the conditions set."""
    choices = offered(here, lens)
    if not choices:
        return ()
    now = dict(chosen.where)
    found = _pills(choices[0], lens, now)
    if choices[1:]:
        active = sum(choice.attribute in now for choice in choices[1:])
        with st.popover(f"More filters ({active})" if active else "More filters", icon=":material/tune:"):
            for choice in choices[1:]:
                found += _pills(choice, lens, now)
    return tuple(found)


def offered(here: Desk, lens: str) -> list[Choice]:
    """Attributes to choose by, the ones people ask for first in front."""

    def place(choice: Choice) -> int:
        name = choice.attribute.rpartition(".")[2]
        return PREFERRED.index(name) if name in PREFERRED else len(PREFERRED)

    return sorted(choices_of(here, lens), key=place)


def _pills(choice: Choice, lens: str, now: dict[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    """Choosing "All" clears the other values, choosing a value clears "All"."""
    key = f"f:where:{lens}:{choice.attribute}"
    wanted = [value for value in now.get(choice.attribute, ()) if value in choice.values]
    st.session_state.setdefault(key, wanted or [ALL])
    st.session_state.setdefault(f"_{key}", list(st.session_state[key]))
    picked = st.pills(
        attribute_name(choice.attribute).capitalize(),
        [ALL, *choice.values],
        selection_mode="multi",
        key=key,
        on_change=_settle,
        args=(key,),
    )
    values = tuple(value for value in picked or () if value != ALL)
    return [(choice.attribute, values)] if values else []


def _settle(key: str) -> None:
    if key not in st.session_state:  # another callback of the same click has changed the view
        return
    before, now = st.session_state.get(f"_{key}", [ALL]), st.session_state[key]
    only_all = not now or (ALL in now and ALL not in before)
    st.session_state[key] = [ALL] if only_all else [value for value in now if value != ALL]
    st.session_state[f"_{key}"] = list(st.session_state[key])


def _hidden_conditions(here: Desk, lens: str, chosen: ObjectFilter) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Conditions of the URL on attributes that the row has no pills for stay as they are."""
    shown = {choice.attribute for choice in choices_of(here, lens)}
    return tuple(pair for pair in chosen.where if pair[0] not in shown)


def _time(here: Desk, view: View) -> bool | None:
    if not here.has_calendar:
        return None
    now = "calendar" if view.working is False else "working"
    words = {"working": "Working", "calendar": "Calendar"}
    return None if _segments("Time", ["working", "calendar"], now, "f:time", words.__getitem__) == "working" else False
