"""The operator's ledger: journals posted and checked, findings, its own account, clearing.

Start at `ledger.ledger.Ledger` (the database), then `posting` (what one journal entry changes).
"""
