"""Modules frozen into an image; a board's generated/manifest.py includes this file.

These are the protocol package, the application and the board's two modules. Of the application's
optional groups an image contains only those that the board lists in `wallet`, as paths below
firmware/wallet: files, or folders with everything in them. A release image omits the operator's
part of the protocol package; a debug image contains it, since vectors run there.
"""

import os

options.defaults(wallet=())  # noqa: F821  (given by makemanifest, as package and module are)

ROOT = os.path.abspath("..")
OPTIONAL_GROUPS = ("drivers", "links", "person", "screens")
OPERATOR_ONLY = os.path.join("protocol", "jiaozi", "operator")


def modules(top):
    """List the Python files below a folder."""
    for folder, _, files in sorted(os.walk(top)):
        yield from (os.path.join(folder, file) for file in sorted(files) if file.endswith(".py"))


def freeze(folder, name, files):
    """Freeze files of one import package."""
    base = os.path.join(ROOT, folder)
    within = [os.path.relpath(file, os.path.join(base, name)) for file in files]
    package(name, files=within, base_path=base)  # noqa: F821


def protocol_files():
    """List the protocol package's files; a release image omits the operator's part."""
    files = modules(os.path.join(ROOT, "protocol", "jiaozi"))
    left_out = os.path.join(ROOT, OPERATOR_ONLY) + os.sep
    return [f for f in files if os.environ["JZ_DEBUG"] == "1" or not f.startswith(left_out)]


def wallet_files(chosen):
    """List the application's files: the common ones and the chosen optional ones."""
    wallet = os.path.join(ROOT, "firmware", "wallet")
    optional = tuple(os.path.join(wallet, group) + os.sep for group in OPTIONAL_GROUPS)
    files = {file for file in modules(wallet) if not file.startswith(optional)}
    for path in chosen:
        whole = os.path.join(wallet, path)
        found = {whole} if os.path.isfile(whole) else set(modules(whole))
        if not found:
            raise ValueError(f"the board needs {path}, which is not in firmware/wallet")
        files |= found
        files.add(os.path.join(wallet, path.split("/")[0], "__init__.py"))
    return sorted(files)


freeze("protocol", "jiaozi", protocol_files())
freeze("firmware", "wallet", wallet_files(options.wallet))  # noqa: F821
board = os.environ["JZ_BOARD_DIR"]
module("board.py", base_path=board)  # noqa: F821
module("wiring.py", base_path=os.path.join(board, "generated"))  # noqa: F821
