"""Looking after a workspace: compaction, retention, backup, restore."""
