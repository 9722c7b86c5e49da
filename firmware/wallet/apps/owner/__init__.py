"""Commands of the owner, at a reader."""
