"""Tear-safe storage: see `store` for what it promises and why it keeps its word."""
