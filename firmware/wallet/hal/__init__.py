"""Interfaces between the application and the hardware."""
