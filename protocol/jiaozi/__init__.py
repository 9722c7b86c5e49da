"""Jiaozi: the offline signed-value transfer protocol, as both sides of a tap run it.

Runs unchanged on CPython (3.11 or newer) and MicroPython. It does no I/O, reads no clock and keeps
no global state: rules take a *book* (what a wallet remembers, `jiaozi.wallet.book`) and return a
*step* to be committed in one record. Cryptography and CBOR come from below (`_jzcrypto`,
`_jzcbor`).
"""
