"""BPMN files: what they mean, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from o2c_mining.bridge import r4pm
from o2c_mining.bridge.bpmn import parse_bpmn, read_bpmn
from o2c_mining.errors import ConfigError


def bpmn(elements: str, flows: str) -> bytes:
    """A file with these elements and flows, written ``a>b``."""
    arrows = "".join(
        f'<sequenceFlow id="f{i}" sourceRef="{flow.split(">")[0]}" targetRef="{flow.split(">")[1]}"/>'
        for i, flow in enumerate(flows.split())
    )
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">'
        f"{elements}{arrows}</process></definitions>"
    ).encode()


ENDS = '<startEvent id="s"/><endEvent id="e"/>'


def task(*names: str) -> str:
    return "".join(f'<userTask id="{name}" name="{name.upper()}"/>' for name in names)


def fits(content: bytes, *variant: str) -> bool:
    (alignment,) = r4pm.align(parse_bpmn(content, "test").net, [tuple(variant)])
    assert alignment is not None
    return alignment.deviations == 0


def test_an_exclusive_gateway_takes_one_branch_and_may_skip() -> None:
    model = bpmn(
        ENDS + task("a", "b") + '<exclusiveGateway id="x"/><exclusiveGateway id="y"/>', "s>x x>a x>b a>y b>y x>y y>e"
    )
    assert fits(model, "A") and fits(model, "B") and fits(model)
    assert not fits(model, "A", "B") and not fits(model, "A", "A")


def test_a_parallel_gateway_takes_all_branches_in_any_order() -> None:
    model = bpmn(
        ENDS + task("a", "b") + '<parallelGateway id="x"/><parallelGateway id="y"/>', "s>x x>a x>b a>y b>y y>e"
    )
    assert fits(model, "A", "B") and fits(model, "B", "A")
    assert not fits(model, "A")


def test_a_flow_back_repeats() -> None:
    model = bpmn(
        ENDS + task("a", "b") + '<exclusiveGateway id="x"/><exclusiveGateway id="y"/>', "s>x x>a a>y y>b b>x y>e"
    )
    assert fits(model, "A") and fits(model, "A", "B", "A")
    assert not fits(model, "A", "B")


def test_several_ends_are_one() -> None:
    model = bpmn(ENDS + '<endEvent id="e2"/>' + task("a", "b") + '<exclusiveGateway id="x"/>', "s>x x>a x>b a>e b>e2")
    assert fits(model, "A") and fits(model, "B")


@pytest.mark.parametrize(
    ("elements", "flows", "message"),
    [
        ('<inclusiveGateway id="x" name="Some"/>', "s>a a>e", "inclusiveGateway 'Some'"),
        ('<eventBasedGateway id="x"/>', "s>a a>e", "eventBasedGateway 'x'"),
        ('<subProcess id="x" name="Rest"/>', "s>a a>e", "subProcess 'Rest'"),
        ('<callActivity id="x" name="Else"/>', "s>a a>e", "callActivity 'Else'"),
        ('<boundaryEvent id="x" attachedToRef="a"/>', "s>a a>e", "boundaryEvent 'x'"),
        ('<intermediateCatchEvent id="x"/>', "s>a a>e", "intermediateCatchEvent 'x'"),
        (
            '<task id="x" name="Each"><multiInstanceLoopCharacteristics/></task>',
            "s>a a>x x>e",
            "multiInstanceLoopCharacteristics in task 'Each'",
        ),
        ('<startEvent id="x"><timerEventDefinition/></startEvent>', "s>a a>e", "timerEventDefinition in startEvent"),
        ('<task id="x" name="Lonely"/>', "s>a a>e", "task 'Lonely' that nothing leads to"),
        ('<task id="x"/>', "s>a a>x x>e", "task 'x' without a name"),
        (task("b"), "s>a a>b a>e b>e", "userTask 'A' with several incoming or outgoing flows"),
        ("", "s>a", "endEvent 'e' that nothing leads to"),
        ("", "s>a a>e a>nowhere", "sequenceFlow 'f2' to or from an unknown element"),
    ],
)
def test_what_cannot_be_checked_is_refused_by_name(elements: str, flows: str, message: str) -> None:
    with pytest.raises(ConfigError, match="model 'test' uses what cannot be checked") as refusal:
        parse_bpmn(bpmn(ENDS + task("a") + elements, flows), "test")
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("elements", "flows", "problem"),
    [
        ('<parallelGateway id="x"/><exclusiveGateway id="y"/>', "s>x x>a x>b a>y b>y y>e", "while work remains"),
        ('<exclusiveGateway id="x"/><parallelGateway id="y"/>', "s>x x>a x>b a>y b>y y>e", "the end can never"),
        (
            '<exclusiveGateway id="x"/><exclusiveGateway id="z"/><parallelGateway id="y"/>',
            "s>x x>a x>z z>b a>y b>y y>e",
            "the end can never",
        ),
        (
            '<exclusiveGateway id="x"/><exclusiveGateway id="z"/>',
            "s>x x>a a>e x>b b>z",
            "'z' that leads nowhere",
        ),
    ],
)
def test_a_model_that_cannot_end_properly_is_refused(elements: str, flows: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_bpmn(bpmn(ENDS + task("a", "b") + elements, flows), "test")
    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no xml", "is not XML"),
        (b"<html/>", "expected BPMN 2.0 definitions"),
        (b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>', "has 0 processes"),
        (
            b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
            b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">&x;</process>'
            b"</definitions>",
            "document type declaration",
        ),
    ],
)
def test_files_that_are_no_plain_bpmn_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_bpmn(content, "test")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.bpmn cannot be read"):
        read_bpmn(tmp_path / "nowhere.bpmn")
