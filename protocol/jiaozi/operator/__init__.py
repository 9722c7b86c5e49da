"""What only an operator does: issue, audit, prove, clear. Never frozen into a device."""
