"""Write a discovered model as BPMN 2.0 with its drawing, or as PNML."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from o2c_mining.bridge.net import WorkflowNet
from o2c_mining.discovery.layout import Drawing

_TAGS = {
    "task": "task",
    "exclusive": "exclusiveGateway",
    "parallel": "parallelGateway",
    "start": "startEvent",
    "end": "endEvent",
}


def bpmn_text(drawing: Drawing, name: str) -> str:
    """A BPMN 2.0 document that any editor opens and ``o2c conformance --model`` reads."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"',
        '             xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"',
        '             xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI"',
        '             id="definitions" targetNamespace="urn:o2c-mining:discovered" exporter="o2c-mining">',
        f'  <process id="process" name={quoteattr(name)} isExecutable="false">',
    ]
    flows = [(f"flow_{number}", flow) for number, flow in enumerate(drawing.flows, 1)]
    for node in drawing.nodes:
        label = f" name={quoteattr(node.name)}" if node.name else ""
        lines.append(f'    <{_TAGS[node.kind]} id="{node.id}"{label}>')
        lines += [f"      <incoming>{key}</incoming>" for key, flow in flows if flow.target == node.id]
        lines += [f"      <outgoing>{key}</outgoing>" for key, flow in flows if flow.source == node.id]
        lines.append(f"    </{_TAGS[node.kind]}>")
    for key, flow in flows:
        lines.append(f'    <sequenceFlow id="{key}" sourceRef="{flow.source}" targetRef="{flow.target}" />')
    lines += ["  </process>", '  <bpmndi:BPMNDiagram id="diagram">']
    lines.append('    <bpmndi:BPMNPlane id="plane" bpmnElement="process">')
    for node in drawing.nodes:
        marker = ' isMarkerVisible="true"' if node.kind == "exclusive" else ""
        left, top = node.x - node.width / 2, node.y - node.height / 2
        lines += [
            f'      <bpmndi:BPMNShape id="shape_{node.id}" bpmnElement="{node.id}"{marker}>',
            f'        <dc:Bounds x="{left:g}" y="{top:g}" width="{node.width:g}" height="{node.height:g}" />',
            "      </bpmndi:BPMNShape>",
        ]
    for key, flow in flows:
        lines.append(f'      <bpmndi:BPMNEdge id="edge_{key}" bpmnElement="{key}">')
        lines += [f'        <di:waypoint x="{x:g}" y="{y:g}" />' for x, y in flow.points]
        lines.append("      </bpmndi:BPMNEdge>")
    lines += ["    </bpmndi:BPMNPlane>", "  </bpmndi:BPMNDiagram>", "</definitions>"]
    return "\n".join(lines) + "\n"


def pnml_text(net: WorkflowNet) -> str:
    """A PNML document (ISO/IEC 15909-2, place/transition net) with initial and final marking."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<pnml xmlns="http://www.pnml.org/version-2009/grammar/pnml">',
        '  <net id="net" type="http://www.pnml.org/version-2009/grammar/pnmlcoremodel">',
        f"    <name><text>{quoteattr(net.name)[1:-1]}</text></name>",
        '    <page id="page">',
    ]
    for place in range(len(net.places)):
        marking = "<initialMarking><text>1</text></initialMarking>" if place == net.start else ""
        lines.append(f'      <place id="p{place}"><name><text>p{place}</text></name>{marking}</place>')
    for number, step in enumerate(net.transitions):
        silent = '<toolspecific tool="ProM" version="6.4" activity="$invisible$" localNodeID="" />'
        label = quoteattr(step.label)[1:-1] if step.label is not None else f"silent {number}"
        tool = "" if step.label is not None else silent
        lines.append(f'      <transition id="t{number}"><name><text>{label}</text></name>{tool}</transition>')
    arcs = [(f"p{p}", f"t{n}") for n, step in enumerate(net.transitions) for p in step.consumes]
    arcs += [(f"t{n}", f"p{p}") for n, step in enumerate(net.transitions) for p in step.produces]
    for number, (source, target) in enumerate(arcs):
        lines.append(f'      <arc id="a{number}" source="{source}" target="{target}" />')
    lines += [
        "    </page>",
        f'    <finalmarkings><marking><place idref="p{net.end}"><text>1</text></place></marking></finalmarkings>',
        "  </net>",
        "</pnml>",
    ]
    return "\n".join(lines) + "\n"
