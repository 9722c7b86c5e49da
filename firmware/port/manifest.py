"""What is frozen into an image: the protocol package, the application and the board's own module.

Folders that do not exist are left out, so that a bare image can be built.
"""

import os

root = os.path.abspath(os.path.join(os.getcwd(), "..", ".."))
board = os.environ["JZ_BOARD_DIR"]

for folder, name in (("protocol", "jiaozi"), ("firmware", "wallet")):
    base = os.path.join(root, folder)
    if os.path.isdir(os.path.join(base, name)):
        package(name, base_path=base)  # noqa: F821  (given by makemanifest)
if os.path.isfile(os.path.join(board, "board.py")):
    module("board.py", base_path=board)  # noqa: F821
