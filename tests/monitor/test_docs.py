"""docs/alerts.md names every setting there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from o2c_mining.monitor.channels.open import EmailOptions, FileOptions, WebhookOptions
from o2c_mining.monitor.deliver import SCHEDULE
from o2c_mining.monitor.lifecycle import Occasion
from o2c_mining.monitor.sla import Sla, SlaAction
from o2c_mining.monitor.system_alerts import ACTIONS_STOPPED, EVALUATION_ERROR, SOURCE_LATE
from o2c_mining.monitor.text import FIELDS
from o2c_mining.state.models import AlertState, Health

TEXT = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
NAMES = [
    *(name for model in (Sla, SlaAction, FileOptions, WebhookOptions, EmailOptions) for name in model.model_fields),
    *("${" + name + "}" for name in FIELDS),
    *(occasion.value for occasion in Occasion if occasion not in (Occasion.HISTORY, Occasion.DIGEST)),
    *(value.value for value in (*AlertState, *Health)),
    *(SOURCE_LATE, EVALUATION_ERROR, ACTIONS_STOPPED, "timezone", "week", "holidays", "exceptions", "windows"),
]


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_every_name_is_documented(name: str) -> None:
    assert f"`{name}`" in TEXT


def test_every_reason_an_alert_can_end_with_is_documented() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "o2c_mining/monitor").glob("*.py")
    )
    reasons = set(re.findall(r'_resolve\([^"]*"(\w+)"', source)) | set(re.findall(r'reason="(\w+)"', source))
    assert {"stopped_late", "cancelled", "case_gone", "rule_changed", "rule_removed", "late_data"} <= reasons
    for reason in reasons - {"cleared"}:
        assert f"`{reason}`" in TEXT


def test_the_documented_waits_are_the_schedule() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    sentence = TEXT[TEXT.index("repeated after") : TEXT.index("later if the target")]
    waits = [float(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", sentence)]
    assert tuple(waits) == SCHEDULE[1:]
