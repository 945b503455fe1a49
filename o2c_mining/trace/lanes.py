"""Which team an activity belongs to, read off the lanes of the reference model."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from o2c_mining.errors import ConfigError

_OPTIONS = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def lanes(bpmn: Path) -> dict[str, str]:
    """Map every named task of a BPMN file to the name of its lane, the first one where a task is drawn in several.

    Raises
    ------
    ConfigError
        If the file cannot be read as BPMN or carries a DOCTYPE.
    """
    try:
        root = etree.fromstring(bpmn.read_bytes(), etree.XMLParser(**_OPTIONS))
    except (OSError, etree.XMLSyntaxError) as error:
        raise ConfigError(
            f"reference model {bpmn} cannot be read: {error}; expected BPMN 2.0; set `reference` in o2c.toml"
        ) from error
    if root.getroottree().docinfo.doctype:
        raise ConfigError(f"reference model {bpmn} has a DOCTYPE; expected plain BPMN 2.0; remove it")
    names = {e.get("id"): e.get("name") for e in root.iter() if isinstance(e.tag, str) and e.get("name")}
    result: dict[str, str] = {}
    for lane in root.iter("{*}lane"):
        for reference in lane.iter("{*}flowNodeRef"):
            task = names.get((reference.text or "").strip())
            if task is not None and lane.get("name"):
                result.setdefault(str(task), str(lane.get("name")))
    return result
