"""The ledger on SQLAlchemy Core; only `engine` imports it."""
