"""What is frozen into an image. A board's generated/manifest.py includes this.

The protocol package, the application and the board's own two modules. Of the application's optional
groups only what the board names in `wallet` goes in, as paths below firmware/wallet: files, or
folders with all that is in them. A release image leaves out what only an operator runs; a debug
image has it, since vectors run there.
"""

import os

options.defaults(wallet=())  # noqa: F821  (given by makemanifest, as package and module are)

ROOT = os.path.abspath("..")
OPTIONAL_GROUPS = ("drivers", "links", "person", "screens")
OPERATOR_ONLY = os.path.join("protocol", "jiaozi", "operator")


def modules(top):
    """The Python files below a folder."""
    for folder, _, files in sorted(os.walk(top)):
        yield from (os.path.join(folder, file) for file in sorted(files) if file.endswith(".py"))


def freeze(folder, name, files):
    """Freeze files of one import package."""
    base = os.path.join(ROOT, folder)
    within = [os.path.relpath(file, os.path.join(base, name)) for file in files]
    package(name, files=within, base_path=base)  # noqa: F821


def protocol_files():
    """The protocol package; in a release image without what only an operator runs."""
    files = modules(os.path.join(ROOT, "protocol", "jiaozi"))
    left_out = os.path.join(ROOT, OPERATOR_ONLY) + os.sep
    return [f for f in files if os.environ["JZ_DEBUG"] == "1" or not f.startswith(left_out)]


def wallet_files(chosen):
    """The application: what every wallet has, and what was chosen of the optional groups."""
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
