"""Our own interface parts: plain JavaScript served from this package, no build step, nothing from outside."""
