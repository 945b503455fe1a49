"""Read a BPMN 2.0 file: its lanes and its meaning as a workflow net.

Supported: one process with tasks of any kind, one or more start and end events without a trigger, exclusive and
parallel gateways, sequence flows, lanes. Text annotations, data objects, documentation and the drawing are ignored.
Everything else changes what the model allows, so it is refused by name and never dropped.

A task with several outgoing flows is a choice to some readers and a parallel split to others; such a task is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from o2c_mining.bridge.bpmn_net import Node, net_of
from o2c_mining.bridge.net import WorkflowNet, soundness_problem
from o2c_mining.errors import ConfigError

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
MAX_BYTES = 5_000_000
_TASKS = frozenset(
    {"task", "userTask", "manualTask", "serviceTask", "sendTask", "receiveTask", "scriptTask", "businessRuleTask"}
)
_EVENTS = frozenset({"startEvent", "endEvent"})
_GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway"})
_MEANING = {
    "startEvent": "start",
    "endEvent": "end",
    "exclusiveGateway": "exclusive",
    "parallelGateway": "parallel",
}
_IGNORED = frozenset(
    {
        "laneSet", "documentation", "extensionElements", "textAnnotation", "association", "dataObject",
        "dataObjectReference", "dataStoreReference", "ioSpecification", "property", "group", "sequenceFlow",
    }
)  # fmt: skip
_INSIDE_NODES = frozenset({"incoming", "outgoing", "documentation", "extensionElements", "property", "ioSpecification",
                           "dataInputAssociation", "dataOutputAssociation"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReferenceModel:
    """A model read from a file: its net, who does what, and the file's own text for drawing it."""

    name: str
    net: WorkflowNet
    lanes: dict[str, str]
    xml: str


@dataclass(slots=True)
class _Node:
    id: str
    kind: str
    name: str
    incoming: list[str]
    outgoing: list[str]

    def __str__(self) -> str:
        return f"{self.kind} '{self.name or self.id}'"


def read_bpmn(path: Path) -> ReferenceModel:
    """The model in the file at ``path``; see ``parse_bpmn``."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"model {path} cannot be read ({error.strerror}); expected a BPMN file; check it") from error
    return parse_bpmn(content, path.stem)


def parse_bpmn(content: bytes, name: str) -> ReferenceModel:
    """The model in ``content``, called ``name`` in results and messages.

    Raises
    ------
    ConfigError
        If it is not BPMN, holds elements outside the supported subset (all of them are named), or is not sound.
    """
    root = _root(content, name)
    process = _process(root, name)
    nodes, flows = _graph(process, name)
    net = net_of(name, (Node(n.id, _MEANING.get(n.kind, "task"), n.name) for n in nodes.values()), flows.values())
    problem = soundness_problem(net)
    if problem:
        raise ConfigError(f"model '{name}' is not sound: {problem}; expected that it always ends; correct its flows")
    return ReferenceModel(name=name, net=net, lanes=_lanes(process, nodes), xml=content.decode("utf-8", "replace"))


def _root(content: bytes, name: str) -> etree._Element:
    if len(content) > MAX_BYTES:
        raise ConfigError(f"model '{name}' is larger than {MAX_BYTES} bytes; expected a diagram; export that alone")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ConfigError(f"model '{name}' is not XML ({error}); expected BPMN 2.0; export it again") from error
    if root.tag != f"{{{BPMN}}}definitions":
        raise ConfigError(f"model '{name}' starts with <{root.tag}>; expected BPMN 2.0 definitions; export it as BPMN")
    if root.getroottree().docinfo.doctype:
        raise ConfigError(f"model '{name}' has a document type declaration; expected plain BPMN 2.0; remove it")
    return root


def _process(root: etree._Element, name: str) -> etree._Element:
    processes = [p for p in root.findall(f"{{{BPMN}}}process") if _children(p)]
    if len(processes) != 1:
        raise ConfigError(
            f"model '{name}' has {len(processes)} processes with content; expected one; save each in a file of its own"
        )
    return processes[0]


def _children(element: etree._Element) -> list[etree._Element]:
    return [child for child in element if isinstance(child.tag, str)]


def _local(element: etree._Element) -> str:
    tag = etree.QName(element)
    return tag.localname if tag.namespace == BPMN else f"{tag.namespace}:{tag.localname}"


def _graph(process: etree._Element, name: str) -> tuple[dict[str, _Node], dict[str, tuple[str, str]]]:
    nodes: dict[str, _Node] = {}
    flows: dict[str, tuple[str, str]] = {}
    refused: list[str] = []
    for element in _children(process):
        kind, label = _local(element), " ".join((element.get("name") or "").split())
        if kind in _TASKS | _EVENTS | _GATEWAYS:
            nodes[element.get("id", "")] = _Node(element.get("id", ""), kind, label, [], [])
            refused += [
                f"{_local(c)} in {kind} '{label}'" for c in _children(element) if _local(c) not in _INSIDE_NODES
            ]
            if kind in _TASKS and not label:
                refused.append(f"{kind} '{element.get('id')}' without a name")
        elif kind not in _IGNORED:
            refused.append(f"{kind} '{label or element.get('id')}'")
    for element in process.findall(f"{{{BPMN}}}sequenceFlow"):
        source, target, flow = element.get("sourceRef", ""), element.get("targetRef", ""), element.get("id", "")
        if source in nodes and target in nodes:
            flows[flow] = (source, target)
            nodes[source].outgoing.append(flow)
            nodes[target].incoming.append(flow)
        elif not refused:
            refused.append(f"sequenceFlow '{flow}' to or from an unknown element")
    refused += list(_misconnected(nodes))
    if refused:
        raise ConfigError(
            f"model '{name}' uses what cannot be checked: {'; '.join(sorted(set(refused)))}; expected tasks, start and "
            "end events, exclusive and parallel gateways, lanes; redraw these parts with them"
        )
    return nodes, flows


def _misconnected(nodes: dict[str, _Node]) -> Iterator[str]:
    for kind in sorted(_EVENTS):
        if not any(node.kind == kind for node in nodes.values()):
            yield f"no {kind}"
    for node in nodes.values():
        if node.kind != "startEvent" and not node.incoming:
            yield f"{node} that nothing leads to"
        if node.kind != "endEvent" and not node.outgoing:
            yield f"{node} that leads nowhere"
        if node.kind in _TASKS and (len(node.incoming) > 1 or len(node.outgoing) > 1):
            yield f"{node} with several incoming or outgoing flows instead of a gateway"
        if node.kind == "startEvent" and (node.incoming or len(node.outgoing) > 1):
            yield f"{node} with an incoming flow or several outgoing ones"
        if node.kind == "endEvent" and node.outgoing:
            yield f"{node} with an outgoing flow"


def _lanes(process: etree._Element, nodes: dict[str, _Node]) -> dict[str, str]:
    """Activity to lane, in the order of the file; of nested lanes the inner one, of equal names the first."""
    found: dict[str, str] = {}
    for lane in process.iter(f"{{{BPMN}}}lane"):
        if lane.find(f"{{{BPMN}}}childLaneSet") is not None:
            continue
        for reference in lane.findall(f"{{{BPMN}}}flowNodeRef"):
            node = nodes.get((reference.text or "").strip())
            if node is not None and node.kind in _TASKS:
                found.setdefault(node.name, " ".join((lane.get("name") or "").split()))
    return found
