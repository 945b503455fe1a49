"""Screens over the event log: filters in the URL, one core call per figure, one chart function per table."""
