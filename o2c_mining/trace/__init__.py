"""What happened along an object: lenses, traces and their refresh."""
