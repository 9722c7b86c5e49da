"""Jiaozi on the host: readers, keys of authority and operator, provisioning, sync and ledger.

Start at `jiaozi_host.cli` for the command `jiaozi`; scripts call `provisioning`, `sync` and
`ledger` directly.
"""
