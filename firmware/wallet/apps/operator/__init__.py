"""Commands of the operator: provisioning and sync."""
