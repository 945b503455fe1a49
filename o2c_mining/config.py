"""``o2c.toml``, parsed once into frozen models; unknown keys are refused with the nearest known one."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator

from o2c_mining.documents import Document, explain
from o2c_mining.errors import ConfigError

_SPARK_MASTERS = ("local", "spark://", "yarn", "k8s://")
_SECRET = re.compile("secret|password|token|access[.]?key", re.IGNORECASE)


class Company(Document):
    """Whose log this is: its zone decides days, its currency is the one figures are reported in."""

    name: str = "Company"
    timezone: str = "UTC"
    currency: str = "EUR"
    calendar: str | None = None
    annual_rate: Decimal = Decimal("0.08")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {value!r}; expected an IANA name such as Europe/Berlin") from error
        return value


class Rates(Document):
    """Units of the reporting currency per unit of another, at a stated date."""

    date: date
    per_unit: dict[str, Decimal]


class Source(Document):
    """One system that data come from."""

    name: str
    connector: str
    url: str | None = None
    path: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class Team(Document):
    """Who belongs together: logins of a source's users."""

    name: str
    members: tuple[str, ...]


class ChannelConfig(Document):
    """Where actions go; ``options`` belong to the kind."""

    name: str
    kind: str
    options: dict[str, Any] = Field(default_factory=dict)


class LensConfig(Document):
    """A case notion of one's own: type paths to follow and what ends a case."""

    paths: tuple[tuple[str, ...], ...] = ()
    cancels: tuple[str, ...] = ()
    finals: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    required: tuple[str, ...] = ()


class State(Document):
    """Where alerts and actions are kept."""

    url: str = "sqlite:///state.db"


class Monitor(Document):
    """How often the loop runs and which limits deliveries respect."""

    every_seconds: float = 60.0
    max_actions_per_hour: int = 50


class Limits(Document):
    """How large imported files may be; what lies beyond is refused before it is read whole."""

    compressed_mb: int = Field(default=200, gt=0)
    raw_mb: int = Field(default=2048, gt=0)
    ratio: int = Field(default=100, gt=0)  # unpacked to packed size, past free_mb
    free_mb: int = Field(default=64, gt=0)
    excel_mb: int = Field(default=128, gt=0)  # unpacked; a workbook's strings are all held in memory
    events: int = Field(default=20_000_000, gt=0)
    parse_memory_mb: int = Field(default=512, ge=0)  # extra, to read one file; 0: read without a process of its own
    parse_seconds: int = Field(default=60, gt=0)
    memory_mb: int = Field(default=2500, ge=500)  # held by the database engine; what is more goes to temporary files


class Retention(Document):
    """Which versions of the log stay for ``--known-at``: a version stays if either says so; without both, all stay."""

    keep_days: int | None = Field(default=None, ge=1)
    keep_versions: int | None = Field(default=None, ge=1)


class SparkConfig(Document):
    """Where Spark runs and with which of its settings; only read with ``engine = "spark"``."""

    master: str = "local[*]"
    options: dict[str, str] = Field(default_factory=dict)

    @field_validator("master")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        if not value.startswith(_SPARK_MASTERS):
            raise ValueError(f"unknown Spark master {value!r}; expected one of {', '.join(_SPARK_MASTERS)}")
        return value


class Target(Document):
    """What a KPI should reach, shown on its card."""

    kpi: str
    value: Decimal


class Config(Document):
    """A workspace's settings."""

    company: Company = Company()
    default_lens: str | None = None
    lenses: tuple[str, ...] = ("order", "delivery", "invoice")
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark: SparkConfig = SparkConfig()
    source: tuple[Source, ...] = ()
    team: tuple[Team, ...] = ()
    channel: tuple[ChannelConfig, ...] = ()
    lens: dict[str, LensConfig] = Field(default_factory=dict)
    rates: Rates | None = None
    state: State = State()
    monitor: Monitor = Monitor()
    limits: Limits = Limits()
    store: Retention = Retention()
    target: tuple[Target, ...] = ()
    reference: str = "reference/order_to_cash.bpmn"


def load_config(path: Path) -> Config:
    """Read ``o2c.toml``.

    Raises
    ------
    ConfigError
        If the file is missing, is no TOML, has an unknown key or a value that does not fit.
    """
    try:
        with path.open("rb") as file:
            raw = tomllib.load(file)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path.parent} is no workspace: it has no o2c.toml; expected a folder made by `o2c init`; "
            "run `o2c init` there or name another with --workspace"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; expected TOML; mend that line") from error
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(explain(error, Config, source=str(path))) from error
    for key in config.spark.options:  # not in the model: its messages show the value
        if not key.startswith("spark."):
            raise ConfigError(f"{path}: {key!r} is no option of Spark; expected names from spark. on; correct the name")
        if _SECRET.search(key) and not key.lower().endswith("file"):
            raise ConfigError(
                f"{path}: Spark option {key!r} holds a secret; expected none in this file; put it into "
                "spark-defaults.conf and name its folder in SPARK_CONF_DIR"
            )
    names = [source.name for source in config.source]
    if "store" in names:
        raise ConfigError(f"{path}: a source is called store; expected another name, the store uses it; rename it")
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise ConfigError(f"{path}: source {double[0]} is there twice; expected one name per source; rename one")
    return config
