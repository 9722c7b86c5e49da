"""Errors of the store."""


class StoreError(Exception):
    """The store failed; all values it held before are kept."""


class StoreFull(StoreError):
    """No room without erasing: run `tidy` first, or delete something. Nothing was written."""


class StoreTooLarge(StoreError):
    """A value, key or transaction is too large for a record. Nothing was written."""


class StoreCorrupt(StoreError):
    """The memory is damaged: no power cut leaves it like this."""


class StoreNewer(StoreError):
    """A newer firmware wrote this store. It is left untouched."""


class StoreGeometry(StoreError):
    """The memory's pages or units do not suit the store, or differ from those it was made for."""


class StoreStale(StoreError):
    """A write failed half-way: the store must be mounted again."""


class SecretDamaged(StoreError):
    """A secret does not open: altered, moved to another key, or sealed by another device."""
