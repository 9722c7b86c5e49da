"""Models of the chips that a board carries, seen from their wires."""
