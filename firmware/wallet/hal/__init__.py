"""The small interfaces through which the application meets a board."""
