"""Trends of the cards, computed beside the page: they need a figure per month, and nobody should wait for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from o2c_mining.analysis.kpi_series import Series
from o2c_mining.errors import O2CError

_KEPT = 60
_LEFT_WAITING = 2  # filters somebody clicked through and left; older ones need not be computed any more

Found = dict[str, Series]


class Trends:
    """Answers by key, one computed at a time, the newest question first to be kept."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trends")
        self._lock = threading.Lock()
        self._futures: OrderedDict[str, Future[Found]] = OrderedDict()

    def ask(self, key: str, answer: Callable[[], Found]) -> Found | None:
        """The answer if it is there; else it is on its way and ``None`` comes back.

        What cannot be answered gives no trend: the card's own figure has said why already.
        """
        with self._lock:
            future = self._futures.get(key)
            if future is None or future.cancelled():
                for waiting in [one for one in self._futures.values() if not one.done()][:-_LEFT_WAITING]:
                    waiting.cancel()
                future = self._futures[key] = self._pool.submit(answer)
                while len(self._futures) > _KEPT:
                    self._futures.popitem(last=False)
        if not future.done() or future.cancelled():
            return None
        error = future.exception()
        if isinstance(error, O2CError):
            return {}
        return future.result()


@st.cache_resource(show_spinner=False)
def trends() -> Trends:
    """One for the whole server."""
    return Trends()
