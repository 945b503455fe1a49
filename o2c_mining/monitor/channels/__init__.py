"""Where actions go: one module per kind of channel, all behind the ``Channel`` protocol."""
