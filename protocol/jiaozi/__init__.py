"""Jiaozi: the offline signed-value transfer protocol, run by both sides of a tap.

Runs unchanged on CPython (3.11 or newer) and MicroPython. It does no I/O, reads no clock and keeps
no global state: a rule takes a *book* (a wallet's stored state, `jiaozi.wallet.book`) and returns a
*step* to be committed in one record. The modules `_jzcrypto` and `_jzcbor` provide cryptography and
CBOR.
"""
