"""Deadline files: the shipped one, and what a wrong one is told."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from o2c_mining.documents import parse_document
from o2c_mining.errors import ConfigError
from o2c_mining.monitor.sla import Sla, default_sla_text, load_slas, rule_version
from tests.monitor.company import SLA, sla


def test_the_shipped_deadline_is_goods_issue_to_invoice_within_a_working_day(tmp_path: Path) -> None:
    (tmp_path / "goods_issue_to_invoice.yaml").write_text(default_sla_text(), encoding="utf-8")
    (rule,) = load_slas(tmp_path, ["sink"])
    assert (rule.object_type, rule.start, rule.stop) == ("delivery", ("Post Goods Issue",), ("Post Invoice",))
    assert (rule.target, rule.backfill, rule.sources) == ("1wd", "open", ())
    assert [(action.channel, [str(on) for on in action.on]) for action in rule.actions] == [
        ("sink", ["breached", "retracted"])
    ]


def test_no_folder_means_no_deadlines(tmp_path: Path) -> None:
    assert load_slas(tmp_path / "slas") == ()


def test_a_cutoff_may_be_written_with_or_without_quotes() -> None:
    for text in ("15:00", '"15:00"', "08:30"):
        rule = parse_document(SLA + f"cutoff: {text}\n", Sla, source="test")
        assert rule.cutoff == time.fromisoformat(text.strip('"'))


def test_the_version_follows_the_meaning_and_nothing_else() -> None:
    same = [sla(title="x"), sla(owner="y"), sla(severity="critical"), sla(backfill="all"), sla(actions=[])]
    assert {rule_version(rule) for rule in same} == {rule_version(sla())}
    other = [sla(target="2wd"), sla(stop="Clear Invoice"), sla(cutoff=time(15)), sla(version=2), sla(sources="erp")]
    assert len({rule_version(rule) for rule in other} | {rule_version(sla())}) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("target:", "taget:"), "did you mean 'target'"),
        (("channel: sink", "chanel: sink"), "did you mean 'channel'"),
        (("target: 1wd", "target: 1 week"), "such as 8wh or 3wd"),
        (("id: goods", "id: Goods"), "lower-case letters"),
        (("backfill: open", "backfill: some"), "'digest', 'open' or 'all'"),
        (("${number}", "${nummer}"), "expected only the fields"),
        (("${number}", "${number.__class__}"), "expected only the fields"),
        (("start: Post Goods Issue", "start: []"), "at least 1 item"),
        (("  - name: ask", "  - on: [invoiced]"), "'at_risk', 'breached'"),
        (("stop: Post Invoice\n", ""), "'stop' is missing"),
        (("backfill: open", "at_risk: 120"), "less than 100"),
    ],
)
def test_a_wrong_file_is_told_what_to_do(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in SLA
    (tmp_path / "a.yaml").write_text(SLA.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        load_slas(tmp_path, ["sink"])
    assert str(caught.value).count(";") >= 2


def test_two_files_with_one_id_and_unknown_channels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SLA, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"channel .sink.; o2c\.toml has: mail"):
        load_slas(tmp_path, ["mail"])
    (tmp_path / "b.yaml").write_text(SLA, encoding="utf-8")
    with pytest.raises(ConfigError, match="the id 'goods_issue_to_invoice' of another file"):
        load_slas(tmp_path, ["sink"])
