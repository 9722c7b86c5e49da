"""Judge proofs, on CPython and on MicroPython alike: `evidence_verdicts.py FILE`.

The file has the authority's certificate on its first line, then `proof accused kind` a line, in
hexadecimal. Prints the kind each proof proves against its accused, 0 where it proves nothing.
"""

import sys
from binascii import unhexlify

from jiaozi.operator import evidence
from jiaozi.wire import certificates, cose
from jiaozi.wire.errors import Refused

with open(sys.argv[1]) as file:
    authority = certificates.read(cose.AUTHORITY, unhexlify(file.readline().strip()), cose.TEST)
    for line in file:
        proof, accused, _ = line.split()
        try:
            verdict = evidence.verify(unhexlify(proof), authority, cose.TEST)
        except (Refused, evidence.NotProven):
            print(0)
        else:
            print(verdict.kind if verdict.wallet.hash == unhexlify(accused) else -1)
