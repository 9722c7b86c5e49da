"""Run a command and kill it, with all its children, when standard input ends.

`renode` may be a script that starts the real program; a signal to the script, or its parent's
death, would leave that program running. Run as `python renode_guard.py COMMAND…`; uses the standard
library only. Ends with the command's exit status.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

_POLL_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1
# The threads behind Renode's sockets spin, so readers and field get priority. This works only in
# the same session: Linux gives each session an equal share (autogroup, sched(7)).
_NICE = 10


def _die_with_parent() -> None:
    with contextlib.suppress(AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _parent_gone() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], _POLL_SECONDS)
    return bool(ready) and not os.read(sys.stdin.fileno(), 1)


def main() -> int:
    """Run until the command or standard input ends."""
    os.nice(_NICE)
    child = subprocess.Popen(
        sys.argv[1:],
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_die_with_parent,
    )
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        while child.poll() is None and not _parent_gone():
            pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
