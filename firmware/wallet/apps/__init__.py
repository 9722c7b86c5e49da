"""Commands of hosts, one file each, in the order check, consent, act, persist, reply."""
