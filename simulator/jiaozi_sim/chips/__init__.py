"""Models of a board's chips, by the signals on their wires."""
