"""The simulated world round a wallet: radio field, chips, wires and machines.

Nothing here knows purses or payments; firmware runs as an image and meets the world through its
UARTs. See simulator/README.md.
"""
