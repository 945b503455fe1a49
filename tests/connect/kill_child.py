"""Extract a shop again and again until killed: ``python -m tests.connect.kill_child STORE DATABASE``."""

from __future__ import annotations

import sys
from pathlib import Path

from o2c_mining.connect import stage_source, transform_source
from o2c_mining.connect.contract import ContractSource
from o2c_mining.log.store import Store
from tests.connect.shop import ShopConnector


def main(root: Path, database: Path) -> None:
    source = ContractSource("shop", "shop", {}, url=f"sqlite:///{database}")
    connector = ShopConnector(page_rows=15)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        with Store(root).writer() as writer:
            staged = stage_source(source, connector, writer, base=root, full=True, commit_rows=5)
            result = transform_source(source, connector, writer, staged)
            if result.batches:
                writer.commit(result.batches)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
