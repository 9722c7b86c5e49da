"""The data of a minimal board: no chip, no key, no link."""

BARE = """
name = "bare"
form = "sim"
links = []
person = "nobody"
[target.emulated]
machine = "mps2-an386"
uart = { host = 0, bridge = 2, contact = 3, log = 4 }
[memory]
heap_kib = 64
stack_kib = 16
[nvm]
size = 65536
page = 4096
program_unit = 256
"""
