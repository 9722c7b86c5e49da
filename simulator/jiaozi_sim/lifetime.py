"""Processes that do not outlive who started them."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec nothing is to be


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel for a signal when the parent ends (prctl(2), PR_SET_PDEATHSIG).

    Called by the child, at its beginning or as `preexec_fn`. Only Linux can; elsewhere nothing is
    done.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)
