"""Programs that use host and simulator together; only these and tests may do so."""
