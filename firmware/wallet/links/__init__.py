"""Links to another wallet or a host; `link` has their interface."""
