"""Both sides of a tap: `card` answers commands, `reader` sends them, `tap` has common rules."""
