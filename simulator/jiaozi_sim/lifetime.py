"""Processes that do not outlive who started them."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context, resource_tracker
from multiprocessing.pool import Pool
from typing import Any

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec nothing is to be


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel for a signal when the parent ends (prctl(2), PR_SET_PDEATHSIG).

    Called by the child, at its beginning or as `preexec_fn`. Only Linux can; elsewhere nothing is
    done.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)


def worker_pool(
    count: int, begin: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> Pool:
    """Processes for work in shares. They end with this one, and leave Ctrl-C to it.

    Called in the main thread.

    Args:
        count: how many.
        begin: called in each of them at its beginning, with `arguments`.
    """
    resource_tracker.ensure_running()  # its start would let the signal through again
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited; here it waits meanwhile
    try:
        return get_context("spawn").Pool(count, _begin, (begin, arguments))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    die_with_parent()
    if begin is not None:
        begin(*arguments)
