"""Tryton: orders, deliveries, invoices, payments, reminders and complaints, from its SQLite or PostgreSQL database."""

from connectors.tryton.extract import TrytonConnector, TrytonOptions

connector = TrytonConnector()

__all__ = ["TrytonConnector", "TrytonOptions", "connector"]
