"""The frozen application of a wallet: links and drivers below, one file for each command above."""
