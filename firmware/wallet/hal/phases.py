"""Phase marks, reported to the emulator (the source is `firmware/include/jz/marks.h`).

Each mark is one store; on hardware it does nothing.
"""

from micropython import const

READY = const(1)
TAP_BEGIN = const(2)
LINK = const(3)
TAP_COMMITTED = const(9)
TAP_END = const(10)
ANSWERED = const(12)
PYTHON = const(13)
TAP_COMMIT_PAYER = const(14)
