"""Models found in the cases."""
