"""Every power cut of a payment, and of what else a wallet stores: `make sweep`."""
