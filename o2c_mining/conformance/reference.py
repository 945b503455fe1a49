"""Which model the cases of a lens are compared with."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from o2c_mining.bridge.bpmn import ReferenceModel, parse_bpmn, read_bpmn
from o2c_mining.errors import ConfigError


def reference_model(lens: str, folder: Path | None = None, file: Path | None = None) -> ReferenceModel:
    """The model of a lens: ``file`` if given, else ``<lens>_to_cash.bpmn`` in ``folder``, else the shipped one.

    Raises
    ------
    ConfigError
        If there is no model for the lens, or the model cannot be used (see ``parse_bpmn``).
    """
    if file is not None:
        return read_bpmn(file)
    name = f"{lens}_to_cash.bpmn"
    if folder is not None and (folder / name).is_file():
        return read_bpmn(folder / name)
    shipped = resources.files("o2c_mining.conformance").joinpath("reference")
    model = shipped.joinpath(name)
    if not model.is_file():
        known = sorted(item.name for item in shipped.iterdir() if item.name.endswith(".bpmn"))
        raise ConfigError(
            f"there is no reference model for lens '{lens}'; shipped are {', '.join(known)}; "
            f"put reference/{name} into the workspace or give one with --model"
        )
    return parse_bpmn(model.read_bytes(), name.removesuffix(".bpmn"))
