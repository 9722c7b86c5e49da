"""Commands of the owner, at a reader of their own."""
