"""Order-to-cash logs of any size: ``python -m tests.bench.generate OUT --events 10_000_000 --seed 7``.

Writes a folder of Parquet tables as ``o2c import`` reads it. The same arguments give the same log, and memory does not
grow with it. The orders' ways are drawn from a fixed catalogue of variants with a long tail; times are log-normal per
activity; nothing in it stems from a real company.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.bench.scenarios import ACTIVITIES, DELIVERY, INVOICE, KINDS, NAMES, ORDER, PAYMENT, QUALIFIERS
from tests.bench.ways import Ints, Ways, share_of

ORDERS_AT_ONCE = 50_000
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
SPAN = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) - START
DAY = 86_400

REGIONS = ("AMER", "APAC", "EMEA")
COMPANIES = ("1000", "2000", "3000", "4000")
CHANNELS = ("field", "phone", "portal", "edi")
CUSTOMERS = 5_000
_TEAMS = {"Sales": 110, "Warehouse": 120, "Billing": 40, "Receivables": 29, "Customer": 1}
_ID = {ORDER: "O", DELIVERY: "D", INVOICE: "I", PAYMENT: "P"}


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written, counted while writing."""

    events: int
    objects: dict[str, int]
    relations: int
    object_relations: int
    cases: int
    open_cases: int
    variants: int


def assign(orders: int, weight: npt.NDArray[np.float64], is_open: npt.NDArray[np.bool_], seed: int) -> Ints:
    """Which scenario each order follows, in order of creation: every one at least once where there are enough orders.

    Orders that are still open are among the newest fifth.
    """
    random = np.random.default_rng([seed, 0])
    least = 1 if orders >= 5 * len(weight) else 0
    exact = weight * (orders - least * len(weight))
    counts = np.floor(exact).astype(np.int64) + least
    short = orders - int(counts.sum())
    counts[np.argsort(counts - least - exact, kind="stable")[:short]] += 1
    every = np.repeat(np.arange(len(weight)), counts)
    running, over = every[is_open[every]], every[~is_open[every]]
    random.shuffle(running)
    random.shuffle(over)
    recent = orders - 1 - random.choice(max(orders // 5, len(running)), len(running), replace=False)
    chosen = np.empty(orders, np.int64)
    newest = np.zeros(orders, bool)
    newest[recent] = True
    chosen[newest], chosen[~newest] = running, over
    return chosen


def chunks(events: int, seed: int) -> Iterator[dict[str, pa.Table]]:
    """The log piece by piece: tables ``events objects e2o o2o flat`` of consecutive orders, whole cases each."""
    ways = Ways()
    orders = max(round(events / float((ways.weight * ways.length).sum())), 1)
    chosen = assign(orders, ways.weight, ways.is_open, seed)
    started = np.sort(np.random.default_rng([seed, 1]).random(orders) ** 0.95 * (SPAN - 5 * DAY)).astype(np.int64)
    numbers = np.ones(len(KINDS) + 1, np.int64)
    for number, low in enumerate(range(0, orders, ORDERS_AT_ONCE)):
        part = slice(low, low + ORDERS_AT_ONCE)
        random = np.random.default_rng([seed, 2, number])
        yield _chunk(ways, chosen[part], started[part], numbers, random)


def _chunk(ways: Ways, way: Ints, started: Ints, numbers: Ints, random: np.random.Generator) -> dict[str, pa.Table]:
    case, step = _spread(ways.first[way], ways.length[way])
    activity = ways.activity[step]
    time = started[case] + _times(ways.length[way], activity, SPAN - started, random)
    counts = ways.count[way]
    before = np.cumsum(counts, axis=0) - counts
    sizes = counts.sum(axis=0)
    base = np.cumsum(sizes) - sizes  # where a kind begins among the documents of this piece
    ids = pa.concat_arrays([_ids(_ID[kind], numbers[kind], sizes[kind], 8) for kind in range(len(KINDS))])
    document = base[ways.kind[step]] + before[case, ways.kind[step]] + ways.document[step]
    invoice = base[INVOICE] + before[case, INVOICE] + ways.beside[step]

    amount = np.maximum(random.lognormal(11.5, 1.0, len(way)).astype(np.int64), 100)
    made = np.full(int(sizes.sum()), np.iinfo(np.int64).max)
    np.minimum.at(made, document, time)
    region = random.integers(0, len(REGIONS), len(way))
    company = random.integers(0, len(COMPANIES), len(way))

    order = np.argsort(time, kind="stable")
    event_ids = _ids("E", numbers[-1], len(order), 9)
    resource, technical = _resources(activity[order], random)
    names = {
        "activity": _named(NAMES, activity[order]),
        "resource": resource,
        "team": _named([ACTIVITIES[name][0] for name in NAMES], activity[order]),
        "system": _named([ACTIVITIES[name][1] for name in NAMES], activity[order]),
    }
    stamps = _stamps(time[order])
    log = pa.table(
        {
            "event_id": event_ids,
            "activity": names["activity"],
            "time": stamps,
            "precision": _named(["second"], np.zeros(len(order), np.int64)),
            "source_seq": np.arange(numbers[-1], numbers[-1] + len(order)),
            "resource": names["resource"],
            "resource_kind": _named(["human", "technical"], technical),
            "team": names["team"],
            "system": names["system"],
        }
    )
    flat = pa.table(
        {
            "case_id": ids.take(pa.array(case[order])),
            "activity": names["activity"],
            "timestamp": stamps,
            "resource": names["resource"],
            "team": names["team"],
            "system": names["system"],
            "region": _named(REGIONS, region[case[order]]),
            "company_code": _named(COMPANIES, company[case[order]]),
        }
    )
    beside = np.flatnonzero(ways.beside[step][order] >= 0)
    e2o = pa.table(
        {
            "event_id": pa.concat_arrays([event_ids, event_ids.take(pa.array(beside))]),
            "object_id": ids.take(pa.array(np.concatenate([document[order], invoice[order][beside]]))),
            "qualifier": _named(
                KINDS, np.concatenate([ways.kind[step][order], np.full(len(beside), INVOICE, np.int64)])
            ),
        }
    )
    billed_case, bill = _spread(ways.first_bill[way], counts[:, INVOICE])
    billed = share_of(amount[billed_case], ways.bills[bill])
    paid, o2o = _relations(ways, way, ids, base, before, billed)
    money = np.concatenate([amount, np.zeros(sizes[DELIVERY], np.int64), billed, paid])
    kind = np.repeat(np.arange(len(KINDS)), sizes)
    terms = random.choice(np.array([14, 30, 30, 60]), sizes[INVOICE]) * DAY
    due = np.zeros(len(kind), np.int64)
    due[kind == INVOICE] = made[kind == INVOICE] + terms
    where = np.full(len(kind), -1)
    where[: len(way)] = np.arange(len(way))
    priced = kind != DELIVERY
    objects = pa.table(
        {
            "object_id": ids,
            "object_type": _named(KINDS, kind),
            "number": ids,
            "system": _named(["erp", "wms", "bank"], np.array([0, 1, 0, 2])[kind]),
            "amount_minor": pa.array(money, mask=~priced),
            "currency": _named(["EUR"], np.where(priced, 0, -1)),
            "due_at": _stamps(due, kind != INVOICE),
            "region": _named(REGIONS, np.where(where >= 0, region[where], -1)),
            "company_code": _named(COMPANIES, np.where(where >= 0, company[where], -1)),
            "channel": _named(CHANNELS, np.where(where >= 0, random.integers(0, len(CHANNELS), len(way))[where], -1)),
            "customer": _named(
                [f"C{n:05}" for n in range(CUSTOMERS)],
                np.where(where >= 0, random.integers(0, CUSTOMERS, len(way))[where], -1),
            ),
        }
    )
    numbers[: len(KINDS)] += sizes
    numbers[-1] += len(order)
    return {"events": log, "objects": objects, "e2o": e2o, "o2o": o2o, "flat": flat}


def _spread(first: Ints, length: Ints) -> tuple[Ints, Ints]:
    """For runs of ``length`` items that begin at ``first``: the number of the run of each item, and the item."""
    run = np.repeat(np.arange(len(length)), length)
    begin = np.cumsum(length) - length
    return run, np.arange(int(length.sum())) - begin[run] + first[run]


def _times(length: Ints, activity: Ints, room: Ints, random: np.random.Generator) -> Ints:
    """Seconds since the start of its case for each event; strictly increasing, pressed together near the log's end."""
    median = np.array([ACTIVITIES[name][2] for name in NAMES])
    sigma = np.array([ACTIVITIES[name][3] for name in NAMES])
    case = np.repeat(np.arange(len(length)), length)
    begin = np.cumsum(length) - length
    gap = median[activity] * np.exp(sigma[activity] * random.standard_normal(len(activity)))
    gap[begin] = 0
    lasts = np.add.reduceat(gap, begin)
    pressed = np.minimum(1.0, (room - 3_600) / np.maximum(lasts, 1.0))
    whole = np.maximum((gap * pressed[case]).astype(np.int64), 1)
    whole[begin] = 0
    passed = np.cumsum(whole)
    since: Ints = passed - passed[begin][case]
    return since


def _relations(ways: Ways, way: Ints, ids: pa.Array, base: Ints, before: Ints, billed: Ints) -> tuple[Ints, pa.Table]:
    """The relations of the documents, and what each payment pays."""
    case, row = _spread(ways.first_link[way], ways.links[way])
    link, part = ways.link[row], ways.part[row]
    source = base[link[:, 0]] + before[case, link[:, 0]] + link[:, 1]
    target = base[link[:, 2]] + before[case, link[:, 2]] + link[:, 3]
    pays = link[:, 2] == PAYMENT
    share = np.zeros(len(link), np.int64)
    share[pays] = share_of(billed[source[pays] - base[INVOICE]], part[pays])
    paid = np.zeros(len(ids) - base[PAYMENT], np.int64)
    paid[target[pays] - base[PAYMENT]] = share[pays]
    qualifiers = [QUALIFIERS[kind] for kind in (DELIVERY, INVOICE, PAYMENT)]
    table = pa.table(
        {
            "source_id": ids.take(pa.array(source)),
            "target_id": ids.take(pa.array(target)),
            "qualifier": _named(qualifiers, link[:, 2] - 1),
            "amount_minor": pa.array(share, mask=~pays),
            "currency": _named(["EUR"], np.where(pays, 0, -1)),
        }
    )
    return paid, table


def _resources(activity: Ints, random: np.random.Generator) -> tuple[pa.Array, Ints]:
    teams = list(_TEAMS)
    people = [f"{team.lower()}{n + 1:03}" for team, size in _TEAMS.items() for n in range(size)]
    people[-1] = "bank"
    size = np.array(list(_TEAMS.values()))
    first = np.cumsum(size) - size
    team = np.array([teams.index(ACTIVITIES[name][0]) for name in NAMES])[activity]
    chosen = first[team] + (random.random(len(team)) ** 1.5 * size[team]).astype(np.int64)
    return _named(people, chosen), (team == teams.index("Customer")).astype(np.int64)


def _ids(prefix: str, first: int, count: int, width: int) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(np.arange(first, first + count)).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def _named(names: list[str] | tuple[str, ...], codes: Ints) -> pa.Array:
    """Names for codes; a negative code is null."""
    return pa.array(names, pa.string()).take(pa.array(codes, pa.int64(), mask=codes < 0))


def _stamps(seconds: Ints, mask: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array((seconds + START) * 1_000_000, pa.int64(), mask=mask).cast(pa.timestamp("us", tz="UTC"))


def generate(out: Path, events: int, seed: int = 7, *, flat: bool = False) -> Generated:
    """Write the tables to ``out``; with ``flat`` also ``flat.parquet`` beside them, one row per event of an order.

    ``expected.json`` says what was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    writers: dict[str, pq.ParquetWriter] = {}
    rows: dict[str, int] = {}
    kinds = dict.fromkeys(KINDS, 0)
    for tables in chunks(events, seed):
        for kind, count in zip(*_counted(tables["objects"]["object_type"]), strict=True):
            kinds[kind] += count
        for name, table in tables.items():
            if name == "flat" and not flat:
                continue
            if name not in writers:
                writers[name] = pq.ParquetWriter(out / f"{name}.parquet", table.schema, compression="zstd")
            writers[name].write_table(table)
            rows[name] = rows.get(name, 0) + table.num_rows
    for writer in writers.values():
        writer.close()
    ways = Ways()
    chosen = assign(kinds["order"], ways.weight, ways.is_open, seed)
    written = Generated(
        events=rows["events"],
        objects=kinds,
        relations=rows["e2o"],
        object_relations=rows["o2o"],
        cases=kinds["order"],
        open_cases=int(ways.is_open[chosen].sum()),
        variants=len(np.unique(chosen)),
    )
    (out / "expected.json").write_text(json.dumps(asdict(written), indent=2), encoding="utf-8")
    return written


def _counted(column: pa.ChunkedArray) -> tuple[list[str], list[int]]:
    counts = pc.value_counts(column)
    return counts.field("values").to_pylist(), counts.field("counts").to_pylist()


def add_events(base: Path, out: Path, events: int, seed: int = 1) -> None:
    """New events on as many scattered orders of the log in ``base``, a day after its end: a folder to import on top.

    Only events and their references: what a folder does not speak of stays as it is, since every folder that is
    imported owns its own rows (``o2c_mining.exchange.load``).
    """
    with (base / "expected.json").open(encoding="utf-8") as file:
        orders = json.load(file)["cases"]
    random = np.random.default_rng([seed, 3])
    chosen = np.sort(random.choice(orders, events, replace=False)) + 1
    time = SPAN + np.sort(random.integers(0, DAY, events))
    event_ids = _ids(f"N{seed}-", 1, events, 9)
    same = np.zeros(events, np.int64)
    resource, technical = _resources(same, random)
    digits = pc.utf8_lpad(pa.array(random.permutation(chosen)).cast(pa.string()), 8, "0")
    out.mkdir(parents=True, exist_ok=True)
    log = {
        "event_id": event_ids,
        "activity": _named(["Change Order"], same),
        "time": _stamps(time),
        "precision": _named(["second"], same),
        "source_seq": np.arange(events),
        "resource": resource,
        "resource_kind": _named(["human", "technical"], technical),
        "team": _named(["Sales"], same),
        "system": _named(["crm"], same),
    }
    refers = {
        "event_id": event_ids,
        "object_id": pc.binary_join_element_wise(pa.scalar(_ID[ORDER]), digits, ""),
        "qualifier": _named(["order"], same),
    }
    pq.write_table(pa.table(log), out / "events.parquet", compression="zstd")
    pq.write_table(pa.table(refers), out / "e2o.parquet", compression="zstd")


def main() -> None:
    """Generate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--flat", action="store_true", help="also one flat table, for tools that know one case notion")
    parser.add_argument("--on-top-of", type=Path, help="new events on orders of the log in this folder")
    arguments = parser.parse_args()
    if arguments.on_top_of is not None:
        add_events(arguments.on_top_of, arguments.out, arguments.events, arguments.seed)
    else:
        print(json.dumps(asdict(generate(arguments.out, arguments.events, arguments.seed, flat=arguments.flat))))


if __name__ == "__main__":
    main()
