"""Tear-safe storage: `store` has the contract."""
