"""Decode each line of hexadecimal in a file with `_jzcbor`; print it encoded again, or "no"."""

import sys
from binascii import hexlify, unhexlify

from _jzcbor import dumps, loads


def verdict(raw):
    try:
        return hexlify(dumps(loads(raw))).decode()
    except ValueError:
        return "no"


if __name__ == "__main__":
    with open(sys.argv[1]) as lines:
        for line in lines:
            print(verdict(unhexlify(line.strip())))
