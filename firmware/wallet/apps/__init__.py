"""The commands of a wallet, one file each, in the order check, consent, act, persist, reply."""
