"""The key that only this device has, kept outside its NVM."""

def device_key() -> bytes:
    """The 32-byte device key; made at the first call in a device's life."""
