"""Order-to-cash process mining: where the cash waits, why, and what mends it."""

__version__ = "0.1.0"
