"""Commands of a tap: what another wallet may ask."""
