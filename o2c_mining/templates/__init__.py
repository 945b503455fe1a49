"""Files that `o2c init` writes into a new workspace."""
