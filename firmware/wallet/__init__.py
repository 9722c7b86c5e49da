"""The application of a wallet, frozen into the firmware."""
