"""The host's half of Jiaozi: readers, provisioning, sync, the operator's keys and its ledger.

Start at `jiaozi_host.cli` for the command `jiaozi`; scripts call `provisioning`, `sync` and
`ledger` directly.
"""
