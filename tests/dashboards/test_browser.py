"""The screens in a real browser: clicks, links, and no request that leaves the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect, sync_playwright

from tests.dashboards.conftest import BROWSER_FLAGS

pytestmark = pytest.mark.browser
LOCAL = re.compile(r"^(https?|wss?)://127\.0\.0\.1[:/]|^(data|blob|about):")
WAIT = 90_000  # milliseconds; a busy machine is slow, not broken


@pytest.fixture(scope="module")
def context(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One browser for all tests; what leaves the machine is stopped here and reported by ``page``."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("browser")),
            executable_path=chromium,
            headless=True,
            args=BROWSER_FLAGS,
            viewport={"width": 1440, "height": 1500},
        )
        opened.set_default_timeout(WAIT)
        expect.set_options(timeout=WAIT)
        opened.route("**/*", lambda route: route.continue_() if LOCAL.match(route.request.url) else route.abort())
        yield opened
        opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test on a script error or a request to elsewhere."""
    opened = context.new_page()
    wrong: list[str] = []

    def seen(request: Request) -> None:
        if not LOCAL.match(request.url):
            wrong.append(request.url)

    opened.on("request", seen)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    opened.close()
    assert not wrong


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".pm[data-ready]").wait_for()


def test_a_filter_changes_map_figure_and_url_and_a_link_restores_it(page: Page, server: str) -> None:
    _open(page, server)
    figure = page.get_by_test_id("stMetricValue").first
    before = figure.inner_text()
    expect(page.locator('.node[data-id="Create Order"] .count')).to_have_text("90")
    page.locator(".st-key-filters").get_by_role("button", name="DACH").click()
    expect(page.locator('.node[data-id="Create Order"] .count')).to_have_text("30")
    expect(figure).not_to_have_text(before)
    expect(page).to_have_url(re.compile("where=customer.region%3DDACH"))
    after = figure.inner_text()
    _open(page, page.url)
    expect(page.locator('.node[data-id="Create Order"] .count')).to_have_text("30")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(after)


def test_a_click_on_a_path_opens_its_panel(page: Page, server: str) -> None:
    _open(page, server)
    page.locator('.edge[data-id="Confirm Order>Create Delivery"]').dispatch_event("click")
    panel = page.locator(".st-key-panel")
    expect(panel.get_by_text("Confirm Order → Create Delivery")).to_be_visible()
    expect(panel.get_by_text("Median incl. open")).to_be_visible()
    expect(panel.locator(".js-plotly-plot")).to_be_visible()
    expect(page).to_have_url(re.compile("focus=Confirm"))


def test_a_click_on_an_activity_leads_to_a_filter(page: Page, server: str) -> None:
    _open(page, server)
    page.locator('.node[data-id="Change Order"]').dispatch_event("click")
    page.locator(".st-key-panel").get_by_role("button", name="Only with this").click()
    chip = page.locator(".st-key-sentence").get_by_role("button", name="with Change Order")
    expect(chip).to_be_visible()
    expect(page.locator('.node[data-id="Create Order"] .count')).to_have_text("20")
    chip.click()
    expect(page.locator('.node[data-id="Create Order"] .count')).to_have_text("90")


def test_a_row_of_the_handoff_table_drives_the_map(page: Page, server: str) -> None:
    _open(page, server)
    page.locator('.handoffs tr[data-id="Receive Payment>Apply Payment"]').click()
    expect(page.locator('.edge[data-id="Receive Payment>Apply Payment"]')).to_have_class(re.compile("chosen"))
    expect(page.locator(".st-key-panel").get_by_text("Receive Payment → Apply Payment")).to_be_visible()


def test_a_handoff_that_the_sliders_hide_is_shown_when_it_is_chosen(page: Page, server: str) -> None:
    _open(page, server)
    path = page.locator('.edge[data-id="Send Dunning>Receive Payment"]')
    expect(path).to_have_count(0)
    page.locator('.handoffs tr[data-id="Send Dunning>Receive Payment"]').click()
    expect(path).to_have_class(re.compile("chosen"))


def test_the_sliders_redraw_without_the_server(page: Page, server: str) -> None:
    _open(page, server)
    drawing = page.locator(".pm")
    run = drawing.get_attribute("data-ready") or ""
    shown = page.locator(".node[data-id]").count()
    page.locator('.pm input[name="activities"]').fill("100")
    expect(drawing).not_to_have_attribute("data-ready", run)
    assert page.locator(".node[data-id]").count() > shown


def test_labels_cover_neither_activities_nor_each_other(page: Page, server: str) -> None:
    _open(page, server)
    boxes = page.evaluate(
        """() => {
          const root = [...document.querySelectorAll('*')].map(e => e.shadowRoot).find(s => s?.querySelector('.pm'));
          const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
          const labels = [...root.querySelectorAll('.label')].filter(l => getComputedStyle(l).display !== 'none');
          return { labels: labels.map(box), nodes: [...root.querySelectorAll('.node .body')].map(box) };
        }"""
    )
    assert len(boxes["labels"]) > 8

    def shared(a: list[float], b: list[float]) -> float:
        return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))

    for place, label in enumerate(boxes["labels"]):
        area = (label[2] - label[0]) * (label[3] - label[1])
        for other in boxes["nodes"] + boxes["labels"][place + 1 :]:
            assert shared(label, other) < 0.35 * area


def test_a_variant_becomes_a_filter_and_goes_again(page: Page, server: str) -> None:
    _open(page, server)
    row = page.locator(".variants button.row").nth(1)
    row.click()
    expect(page).to_have_url(re.compile("variant=2"))
    expect(page.locator(".variants button.row")).to_have_count(1)
    page.locator(".variants button.row").first.click()
    expect(page.locator(".variants button.row")).to_have_count(5)


def test_the_alerts_page_shows_documents_and_takes_decisions(page: Page, server: str, workspace: Path) -> None:
    page.goto(f"{server}/alerts")
    row = page.locator(".alerts tr[data-id]").first
    expect(row).to_contain_text("delivery D88")
    expect(row).to_contain_text("order O88")
    expect(row).to_contain_text("€")
    expect(row).to_contain_text("sink: to be sent")
    row.get_by_role("button", name="Take over").click()
    expect(page.locator(".alerts tr[data-id]").first).to_contain_text("taken by")
    page.locator(".alerts tr[data-id]").first.get_by_role("button", name="Silence").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill("The customer was called")
    dialog.get_by_label("Why").press("Tab")
    dialog.get_by_role("button", name="Silence").click()
    expect(page.locator(".alerts tr[data-id]").first).to_contain_text("quiet until")
    page.locator(".alerts tr[data-id] a").first.click()
    expect(page.get_by_role("dialog").get_by_text("Order O88", exact=True)).to_be_visible()


def test_the_badge_of_the_cockpit_leads_to_the_alerts(page: Page, server: str) -> None:
    _open(page, server)
    page.locator(".st-key-header").get_by_text("1 alert").first.click()
    expect(page.locator(".alerts tr[data-id]").first).to_be_visible()
