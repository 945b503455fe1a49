"""The event log: schema, store (one writer, many readers), reader, current tables, validation."""
