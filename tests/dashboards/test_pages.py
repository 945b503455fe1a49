"""Each page runs, filters, and explains itself; without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboards
from tests.dashboards.company import ORDERS
from tests.micro import load, settings

APP = Path(dashboards.__file__).parent / "app.py"
REGION = "f:where:order:customer.region"


@pytest.fixture
def app(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The screens of the company, not yet run."""
    monkeypatch.setenv("O2C_WORKSPACE", str(workspace))
    return AppTest.from_file(APP, default_timeout=120)


def _sentence(app: AppTest) -> str:
    return next(str(one.value) for one in app.markdown if "orders" in str(one.value) or "invoices" in str(one.value))


def _cards(app: AppTest) -> list[str]:
    return [str(one.value) for one in app.metric]


def _alerts(app: AppTest) -> AppTest:
    return app.switch_page("screens/alerts.py").run()


def test_the_cockpit_shows_every_order_and_six_figures(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert not app.error
    assert _sentence(app) == f"All {ORDERS} orders"
    assert len(app.metric) == 6
    assert app.metric[0].value.startswith("24.1 d")


def test_a_filter_changes_a_figure_the_sentence_and_the_url(app: AppTest) -> None:
    app.run()
    before = _cards(app)
    app.session_state[REGION] = ["DACH"]
    app.run()
    assert not app.exception
    assert _sentence(app) == "30 of 90 orders: customer region DACH"
    assert _cards(app) != before
    assert app.query_params["where"] == "customer.region=DACH"


def test_a_link_restores_what_it_was_taken_from(app: AppTest) -> None:
    for name, value in (("where", "customer.region=DACH"), ("with", "Change Order"), ("focus", "Confirm Order")):
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert app.session_state[REGION] == ["DACH"]
    assert "with Change Order" in _sentence(app)
    assert any("Confirm Order" in str(one.value) for one in app.markdown)


def test_a_condition_is_a_chip_that_takes_itself_away(app: AppTest) -> None:
    app.query_params["with"] = "Change Order"
    app.run()
    filtered = _sentence(app)
    app.button(key="chip:with Change Order").click().run()
    assert not app.exception
    assert filtered.startswith("20 of 90 orders")
    assert _sentence(app) == f"All {ORDERS} orders"


def test_an_activity_becomes_a_condition(app: AppTest) -> None:
    app.query_params["focus"] = "Cancel Order"
    app.run()
    app.button(key="without").click().run()
    assert not app.exception
    assert _sentence(app) == "80 of 90 orders: without Cancel Order"


def test_no_case_left_says_what_to_loosen(app: AppTest) -> None:
    app.query_params["with"] = "Cancel Order"
    app.query_params["variant"] = "1"
    app.run()
    assert not app.exception
    assert any("No order fits all conditions" in str(one.value) for one in app.info)
    app.button(key="loosen:all").click().run()
    assert _sentence(app) == f"All {ORDERS} orders"


@pytest.mark.parametrize("lens", ["delivery", "invoice"])
def test_other_documents_can_be_followed(app: AppTest, lens: str) -> None:
    app.query_params["lens"] = lens
    app.run()
    assert not app.exception
    assert not app.error


def test_what_a_link_asks_wrong_is_explained(app: AppTest) -> None:
    app.query_params["with"] = "Dance"
    app.query_params["lens"] = "shipment"
    app.query_params["from"] = "soon"
    app.run()
    assert not app.exception
    assert [one.value[:40] for one in app.warning] == [
        "The link was not understood in full. fro",
        "The link asks to follow 'shipment'; this",
    ]
    assert "Unknown activity 'Dance'" in app.error[0].value
    assert "What to do:" in app.error[0].value


def test_the_story_of_a_document_opens_by_its_number(app: AppTest) -> None:
    app.query_params["case"] = "I5"
    app.run()
    assert not app.exception
    assert any("Order O5" in str(one.value) for one in app.markdown)


def test_an_unknown_document_is_an_explained_error(app: AppTest) -> None:
    app.query_params["case"] = "X-1"
    app.run()
    assert not app.exception
    assert "No document has the number 'X-1'" in app.error[0].value


def test_an_empty_store_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "o2c.toml").write_text("", encoding="utf-8")
    monkeypatch.setenv("O2C_WORKSPACE", str(tmp_path))
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    assert "The event store is empty" in app.error[0].value


def test_a_log_without_orders_is_shown_without_key_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "o2c.toml").write_text("", encoding="utf-8")
    load(
        tmp_path,
        events=[("e1", "Open", "2026-01-05 09:00", ["t1"]), ("e2", "Close", "2026-01-06 09:00", ["t1"])],
        objects=[("t1", "ticket", None)],
        with_settings=settings(),
    )
    monkeypatch.setenv("O2C_WORKSPACE", str(tmp_path))
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    assert not app.error
    assert any(str(one.value) == "1 ticket" for one in app.markdown)
    assert any(str(one.value).startswith("No key figures: ") for one in app.info)


def test_no_workspace_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("O2C_WORKSPACE", str(tmp_path))
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    assert "has no o2c.toml" in app.error[0].value


def test_the_alerts_page_counts_what_waits(app: AppTest) -> None:
    app.run()
    _alerts(app)
    assert not app.exception
    facts = {one.label: one.value for one in app.metric}
    assert facts["Alerts"] == "1"
    assert facts["Money that waits"].startswith("€")
    assert any("Delivered, not invoiced" in str(one.value) for one in app.markdown)


def test_the_alerts_page_filters_by_state_and_region(app: AppTest) -> None:
    app.run()
    _alerts(app)
    app.session_state["state"] = "resolved"
    app.run()
    assert not app.exception
    resolved = {one.label: one.value for one in app.metric}
    assert int(resolved["Alerts"]) > 30
    app.session_state["of"] = "DACH"
    app.run()
    assert not app.exception
    assert 0 < int({one.label: one.value for one in app.metric}["Alerts"]) < int(resolved["Alerts"])
