"""The connector door: what a source system's plugin implements, and how its rows become the log."""

from o2c_mining.connect.completeness import Completeness, completeness
from o2c_mining.connect.engine import event_id
from o2c_mining.connect.linker import KnownObjects, Linker, Links
from o2c_mining.connect.protocol import Connector, OpenSource, Options, Page, Refused, Stream, Total
from o2c_mining.connect.registry import connector_named, connectors
from o2c_mining.connect.run import SourceResult, extract_source, link_source, stage_source, transform_source
from o2c_mining.connect.sql_connector import SqlConnector, SqlOptions

__all__ = [
    "Completeness",
    "Connector",
    "KnownObjects",
    "Linker",
    "Links",
    "OpenSource",
    "Options",
    "Page",
    "Refused",
    "SourceResult",
    "SqlConnector",
    "SqlOptions",
    "Stream",
    "Total",
    "completeness",
    "connector_named",
    "connectors",
    "event_id",
    "extract_source",
    "link_source",
    "stage_source",
    "transform_source",
]
