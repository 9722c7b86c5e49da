"""Scripts that put host and simulator together; the only code outside tests that may."""
