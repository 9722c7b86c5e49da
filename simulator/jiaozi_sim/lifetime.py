"""Processes that end with their parent."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context, resource_tracker
from multiprocessing.pool import Pool
from typing import Any

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here, because nothing may be loaded between fork and exec


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel for a signal when the parent ends (prctl(2), PR_SET_PDEATHSIG).

    Called by the child, at its start or as `preexec_fn`. Linux only; no effect elsewhere.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)


def worker_pool(
    count: int, begin: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> Pool:
    """Return a pool of processes that end with this one and ignore Ctrl-C.

    Called in the main thread.

    Args:
        count: number of processes.
        begin: called in each of them at its start, with `arguments`.
    """
    resource_tracker.ensure_running()  # otherwise its start would unblock the signal
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited; here pending
    try:
        return get_context("spawn").Pool(count, _begin, (begin, arguments))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    die_with_parent()
    if begin is not None:
        begin(*arguments)
