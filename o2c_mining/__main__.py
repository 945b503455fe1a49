"""``python -m o2c_mining`` is the same as ``o2c``."""

from o2c_mining.cli.main import run

run()
