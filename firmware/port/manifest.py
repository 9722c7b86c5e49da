"""What is frozen into an image: the protocol package, the application and the board's own module.

Folders that do not exist are left out, so that a bare image can be built. A release image has no
use for what only operators do; a debug image has it, since vectors run there.
"""

import os

root = os.path.abspath(os.path.join(os.getcwd(), "..", ".."))
board = os.environ["JZ_BOARD_DIR"]
debug = os.environ["JZ_DEBUG"] == "1"
left_out = None if debug else os.path.join(root, "protocol", "jiaozi", "operator")


def modules(top):
    """The Python files below a folder, as paths from it; none if there is no such folder."""
    for folder, _, files in sorted(os.walk(top)):
        if folder == left_out:
            continue
        for file in sorted(files):
            if file.endswith(".py"):
                yield os.path.relpath(os.path.join(folder, file), top)


for folder, name in (("protocol", "jiaozi"), ("firmware", "wallet")):
    base = os.path.join(root, folder)
    files = list(modules(os.path.join(base, name)))
    if files:
        package(name, files=files, base_path=base)  # noqa: F821  (given by makemanifest)
if os.path.isfile(os.path.join(board, "board.py")):
    module("board.py", base_path=board)  # noqa: F821
