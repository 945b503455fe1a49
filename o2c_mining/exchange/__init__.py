"""Event logs as files: any of them in, any of them out, nothing lost in silence."""
