"""What the store refuses, and why."""


class StoreError(Exception):
    """The store cannot do what was asked; what it held before, it still holds."""


class StoreFull(StoreError):
    """No room without erasing: run `tidy` first, or delete something. Nothing was written."""


class StoreTooLarge(StoreError):
    """A value, a key or a transaction is larger than a record can be. Nothing was written."""


class StoreCorrupt(StoreError):
    """The memory holds what no power cut can have left: worn out, tampered with, or not ours."""


class StoreNewer(StoreError):
    """A newer firmware wrote this store. It is left untouched."""


class StoreGeometry(StoreError):
    """The memory's pages or units do not suit the store, or are not those it was made for."""


class StoreStale(StoreError):
    """A write failed half-way: nothing is certain until the store is mounted again."""
