"""Chips: one file each, for the real part, over `machine` objects that a board hands in."""
