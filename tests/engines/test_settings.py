"""What is said when Spark is asked for and cannot run, and which of its settings o2c.toml may hold."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from o2c_mining.cli.main import main
from o2c_mining.config import Config, load_config
from o2c_mining.errors import ConfigError
from o2c_mining.log.reader import open_reader
from o2c_mining.log.spark_session import spark_session, stop_spark
from tests import micro


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A small log in a workspace that asks for Spark."""
    micro.one_order(tmp_path)
    (tmp_path / "o2c.toml").write_text('engine = "spark"\n', encoding="utf-8")
    return tmp_path


def _refusal(workspace: Path, capfd: pytest.CaptureFixture[str]) -> str:
    capfd.readouterr()
    assert main(["map", "--json", "-w", str(workspace)]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("error: ")
    assert line.count(";") >= 2, "what is wrong; what was expected; what to do"
    return line


def test_without_pyspark(workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    line = _refusal(workspace, capfd)
    assert "needs pyspark, which is not installed" in line
    assert "pip install 'o2c-mining[spark]'" in line


def test_without_java(workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed: pip install 'o2c-mining[spark]'")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(workspace))
    assert "needs Java and there is none on the PATH" in _refusal(workspace, capfd)
    monkeypatch.setenv("JAVA_HOME", str(workspace / "jdk"))
    line = _refusal(workspace, capfd)
    assert f"there is none in JAVA_HOME ({workspace / 'jdk'})" in line
    assert "install openjdk-17-jre-headless" in line


# pyspark forgets the pipe of a Java that ended at once
@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed file <_io:ResourceWarning")
def test_with_a_java_that_does_not_start_spark(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed: pip install 'o2c-mining[spark]'")
    java = workspace / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'Error: UnsupportedClassVersionError: compiled for Java 17' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(workspace / "jdk"))
    line = _refusal(workspace, capfd)
    assert "Spark did not start with master 'local[*]': Error: UnsupportedClassVersionError" in line
    stop_spark()  # nothing runs: nothing to stop
    gc.collect()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('engine = "sprak"', "engine"),
        ('[spark]\nmaster = "mesos://m"', "unknown Spark master 'mesos://m'; expected one of local, spark://"),
        ('[spark]\nmastre = "yarn"', "did you mean 'master'?"),
        ('[spark.options]\n"driver.memory" = "8g"', "'driver.memory' is no option of Spark"),
        ('[spark.options]\n"spark.hadoop.fs.s3a.secret.key" = "hunter2"', "holds a secret; expected none in this file"),
    ],
)
def test_wrong_settings_are_refused_without_showing_a_secret(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "o2c.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "o2c.toml")
    assert words in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_right_settings_are_kept(tmp_path: Path) -> None:
    (tmp_path / "o2c.toml").write_text(
        'engine = "spark"\n[spark]\nmaster = "spark://host:7077"\n'
        'options = { "spark.executor.memory" = "8g", "spark.authenticate.secret.file" = "/run/key" }\n',
        encoding="utf-8",
    )
    found = load_config(tmp_path / "o2c.toml")
    assert (found.engine, found.spark.master) == ("spark", "spark://host:7077")
    assert found.spark.options["spark.executor.memory"] == "8g"


def test_pyspark_is_not_loaded_for_duckdb() -> None:
    before = {name for name in sys.modules if name.partition(".")[0] in ("pyspark", "py4j")}
    open_reader({}, config=Config())
    assert {name for name in sys.modules if name.partition(".")[0] in ("pyspark", "py4j")} == before
    assert callable(spark_session)
