"""The picture of the process map."""

from __future__ import annotations

from lxml import etree

from o2c_mining.discovery.svg import Arrow, Box, draw

BOXES = [Box("Create", "3", 0.0), Box("Pick & pack", "3", 0.5), Box("Ship", "2", 1.0), Box("Stop", "1", 0.9)]
ARROWS = [
    Arrow("Create", "Pick & pack", 3, "3"),
    Arrow("Pick & pack", "Ship", 2, "2"),
    Arrow("Pick & pack", "Stop", 1, "1"),
    Arrow("Ship", "Pick & pack", 1, "back"),
    Arrow("Ship", "Ship", 1, "again"),
]


def test_every_activity_and_edge_is_drawn_and_none_overlaps() -> None:
    root = etree.fromstring(draw(BOXES, ARROWS).encode())
    name = {"s": "http://www.w3.org/2000/svg"}
    rectangles = [[float(r.get(k)) for k in ("x", "y", "width", "height")] for r in root.iterfind("s:rect", name)]
    assert len(rectangles) == 4
    for i, (x, y, w, h) in enumerate(rectangles):
        for u, v, a, b in rectangles[i + 1 :]:
            assert x + w <= u or u + a <= x or y + h <= v or v + b <= y
    assert len(root.findall("s:path", name)) == len(ARROWS)
    texts = [t.text for t in root.iterfind("s:text", name)]
    assert {"Create", "Pick & pack", "Ship", "Stop", "back", "again"} <= set(texts)
    top = {t.text: float(t.get("y")) for t in root.iterfind("s:text", name) if t.text in {b.name for b in BOXES}}
    assert top["Create"] < top["Pick & pack"] < top["Ship"] == top["Stop"]


def test_the_same_graph_gives_the_same_picture_whatever_its_order() -> None:
    assert draw(BOXES, ARROWS) == draw(BOXES, ARROWS[::-1])
    etree.fromstring(draw([], []).encode())
