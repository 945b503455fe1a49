"""Bank statements: camt.053 files in a folder, their bookings, and which invoices each of them settles."""

from connectors.bank_statements.extract import BankConnector, BankOptions

connector = BankConnector()

__all__ = ["BankConnector", "BankOptions", "connector"]
