"""``o2c demo``: the sample company from its source systems to a delivered action and a dashboard."""

from __future__ import annotations

import lzma
import shutil
import subprocess
import sys
import tarfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from o2c_mining.cli.common import emit, note, span, table, working_day
from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from o2c_mining.bootstrap import Workspace

SAMPLE = Path(__file__).resolve().parents[2] / "event_logs" / "tryton_company"


def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the demo workspace.")] = Path("demo"),
    orders: Annotated[
        int | None, typer.Option("--orders", metavar="N", help="Drive a real Tryton through N new orders first.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Which year, with --orders.")] = 1,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the dashboards at the end.")] = True,
) -> int:
    """The sample company: extract, mine, check, alert, act, show. A second run reuses what is there."""
    from o2c_mining.bootstrap import init_workspace, open_workspace
    from o2c_mining.log.place import refuse_folder

    refuse_folder(directory)
    _take_sample(directory, orders, seed)
    if not (directory / "o2c.toml").exists():
        text = resources.files("o2c_mining.templates").joinpath("demo.toml").read_text(encoding="utf-8")
        (directory / "o2c.toml").write_text(text, encoding="utf-8")
    init_workspace(directory, own_reference=False)
    workspace = open_workspace(directory)
    _load(workspace)
    payload, text = _screen(workspace)
    emit(payload, text)
    if not serve:
        return 0
    from o2c_mining.cli.dashboard import serve as serve_dashboard

    return serve_dashboard(directory.resolve(), tell=note)


def _take_sample(directory: Path, orders: int | None, seed: int) -> None:
    """Put the source systems' files into ``DIR/source``: the committed company, or a new year from the ERP."""
    source = directory / "source"
    if (source / "company.sqlite").exists() and orders is None:
        return
    if not SAMPLE.is_dir():
        raise ConfigError(
            f"the sample company is not at {SAMPLE}; expected a checkout of the project; run the demo from one"
        )
    source.mkdir(parents=True, exist_ok=True)
    if orders is not None:
        _drive_erp(source, orders, seed)
        return
    note("unpacking the sample company")
    with tarfile.open(SAMPLE / "bank.tar.xz") as archive:
        archive.extractall(source, filter="data")
    part = source / "company.sqlite.part"
    with lzma.open(SAMPLE / "company.sqlite.xz") as packed, part.open("wb") as target:
        shutil.copyfileobj(packed, target)
    part.rename(source / "company.sqlite")


def _drive_erp(source: Path, orders: int, seed: int) -> None:
    python = SAMPLE.parents[1] / ".venv-erp" / "bin" / "python"
    if not python.exists():
        raise ConfigError(
            "--orders drives a real Tryton and there is none; expected the environment .venv-erp; run `make erp-env`, "
            "or leave --orders out for the committed sample"
        )
    command = [python, SAMPLE / "recipe.py", "--out", source, "--orders", str(orders), "--seed", str(seed)]
    finished = subprocess.run([str(part) for part in command], stdout=sys.stderr, check=False)
    if finished.returncode:
        raise ConfigError(
            f"the recipe ended with {finished.returncode}; expected a finished year; see its message above"
        )


def _load(workspace: Workspace) -> None:
    from o2c_mining.cli.extract import run_extract
    from o2c_mining.cli.monitor import open_monitor, round_text
    from o2c_mining.monitor.loop import run_once

    run_extract(workspace)
    monitor = open_monitor(workspace, extracting=False)
    done = run_once(monitor, wait_seconds=30.0)
    monitor.state.close()
    note(round_text(done))


def _screen(workspace: Workspace) -> tuple[dict[str, object], str]:
    """Everything worth knowing on one screen."""
    from o2c_mining.analysis.handoffs import handoffs
    from o2c_mining.analysis.kpis import kpis
    from o2c_mining.analysis.summary import summary
    from o2c_mining.bootstrap import open_log, open_state
    from o2c_mining.cli.monitor import wall_clock
    from o2c_mining.conformance.conformance import conformance
    from o2c_mining.conformance.reference import reference_model
    from o2c_mining.monitor.inbox import list_alerts
    from o2c_mining.trace.select import select

    log = open_log(workspace)
    counted, traces = summary(log), select(log)
    working = log.settings.calendar is not None
    ledger, day = handoffs(traces, working=working), working_day(log, working)
    checked = conformance(traces, reference_model(traces.lens.object_type, workspace.root / "reference"))
    figures = kpis(log)
    state = open_state(workspace)
    alerts = list_alerts(state, now=wall_clock())
    state.close()
    waiting = [alert for alert in alerts if alert.state == "firing"]
    unit = f"{ledger.currency}-days"
    top = [
        (
            f"{row.from_team} → {row.to_team}",
            f"{row.from_activity} → {row.to_activity}",
            span(row.median_seconds, day),
            f"{row.ours_value_days:,.0f}",
        )
        for row in ledger.rows[:5]
    ]
    lines = [
        f"{workspace.config.company.name}: {counted.events:,} events of {counted.cases:,} orders "
        f"up to {log.as_of:%Y-%m-%d}, from {' and '.join(counted.sources)}",
        "",
        *(f"  {kpi.title:<22} {'-' if kpi.value is None else f'{kpi.value:,.1f} {kpi.unit}'}" for kpi in figures.kpis),
        "",
        f"where our own side holds the cash ({ledger.time} time, {unit}):",
        table(("teams", "activities", "median", unit), top, right=(2, 3)),
        "",
        f"conformance: {checked.conforming_cases:,} of {checked.cases:,} closed orders follow the model and the rules; "
        + ", ".join(f"{found.cases:,} {found.kind}" for found in checked.deviations[:3]),
        f"alerts: {len(alerts):,} goods issues invoiced too late or not at all, {len(waiting):,} still waiting; "
        f"actions in {workspace.root / 'actions.jsonl'}",
    ]
    payload: dict[str, object] = {
        "workspace": workspace.root,
        "summary": counted,
        "kpis": figures.kpis,
        "handoffs": ledger.rows[:5],
        "conformance": checked,
        "alerts": {"total": len(alerts), "firing": len(waiting)},
    }
    return payload, "\n".join(lines)
