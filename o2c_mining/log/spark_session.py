"""Start Spark once per process, quietly, or say in one line what is missing."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from o2c_mining.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOCK = threading.Lock()
_running: _Running | None = None


class _Running:
    """The Spark of this process and what has to be put back when it stops."""

    def __init__(self, asked: tuple[object, ...], session: SparkSession, chatter: IO[bytes], heard: Any) -> None:
        self.asked = asked
        self.session = session
        self.chatter = chatter
        self.heard = heard


def spark_session(master: str, options: Mapping[str, str]) -> SparkSession:
    """A new session (own views, own settings) of this process's Spark, which is started where there is none yet.

    A Spark that the surrounding program has started (a notebook on a cluster) is used as it is.

    Raises
    ------
    ConfigError
        If pyspark or Java is missing, Spark does not start, or runs here already with other settings.
    """
    global _running
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ConfigError(
            'engine = "spark" needs pyspark, which is not installed; expected the optional group spark; '
            "run `pip install 'o2c-mining[spark]'`, or set engine = \"duckdb\" in o2c.toml"
        ) from error
    asked = (master, tuple(sorted(options.items())))
    with _LOCK:
        if _running is None:
            base = SparkSession.getActiveSession()
            if base is None:
                _running = _start(asked, master, options)
                base = _running.session
        elif _running.asked != asked:
            raise ConfigError(
                f"Spark already runs in this process with master {_running.asked[0]!r} and other options; expected one "
                "[spark] section per process; run the other workspace in a process of its own"
            )
        else:
            base = _running.session
    session = base.newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.ansi.enabled", "true")  # an overflow or a bad cast is an error, as on DuckDB
    session.conf.set("spark.sql.parser.escapedStringLiterals", "false")
    # Spark 4.3 loses a column when it carries what it knows of a union's columns into a checkpoint.
    session.conf.set("spark.sql.constraintPropagation.enabled", "false")
    return session


def stop_spark() -> None:
    """Stop the Spark that ``spark_session`` started; its readers cannot be used any more."""
    global _running
    with _LOCK:
        if _running is None:
            return
        from pyspark import SparkContext

        gateway = SparkContext._gateway
        _running.session.stop()
        if gateway is not None:
            gateway.shutdown()
            gateway.proc.stdin.close()
            gateway.proc.wait(timeout=60)
            SparkContext._gateway = None
            SparkContext._jvm = None
        if _running.heard is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _running.heard)
        _running.chatter.close()
        _running = None


def _start(asked: tuple[object, ...], master: str, options: Mapping[str, str]) -> _Running:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home, "bin")) if home else None) is None:
        place = f"in JAVA_HOME ({home})" if home else "on the PATH"
        raise ConfigError(
            f'engine = "spark" needs Java and there is none {place}; expected Java 17 or newer; '
            "install openjdk-17-jre-headless or set JAVA_HOME"
        )
    _quiet()
    conf = SparkConf().setMaster(master).setAppName("o2c").setAll([*_defaults(master).items(), *options.items()])
    heard = signal.getsignal(signal.SIGINT)
    # Java and Spark greet on stderr, which belongs to our own one-line errors; kept for the message when they fail.
    chatter = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as Spark runs
    try:
        gateway = launch_gateway(conf, {"stdout": chatter, "stderr": chatter})  # type: ignore[no-untyped-call]
        context = SparkContext(conf=conf, gateway=gateway)
    except (PySparkException, Py4JError, OSError) as error:
        chatter.seek(0)
        said = chatter.read().decode("utf-8", "replace")
        chatter.close()
        raise ConfigError(
            f"Spark did not start with master {master!r}: {_reason(said) or str(error).splitlines()[0]}; expected Java "
            "17 or newer and a cluster that can be reached; check [spark] in o2c.toml"
        ) from error
    return _Running(asked, SparkSession(context), chatter, heard)


def _quiet() -> None:
    """Keep pyspark from writing on stderr what its exceptions say anyway, or what concerns pandas alone."""
    from pyspark.logger import PySparkLogger

    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        import_module("pyspark.testing.utils")  # pyspark loads it on its first conversion, and it asks for pandas


def _defaults(master: str) -> dict[str, str]:
    """Settings that ``[spark.options]`` may override; without a cluster nothing listens beyond this machine."""
    found = {
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir(), "o2c-spark-warehouse")),
    }
    if master.startswith("local"):
        found |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "4g",
            "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        }
    return found


def _reason(said: str) -> str:
    """The line of Spark's output that tells why it ended."""
    telling = [line.strip() for line in said.splitlines() if "Exception" in line or "Error" in line or "rror:" in line]
    return telling[0][:300] if telling else ""
