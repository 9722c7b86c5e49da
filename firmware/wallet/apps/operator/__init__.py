"""Commands of the operator: making a wallet of a device, and sync."""
