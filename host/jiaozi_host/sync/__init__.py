"""Operator sessions with one of its wallets: sync, key rotation, a new PIN.

Start at `sync.session.sync_wallet`.
"""
