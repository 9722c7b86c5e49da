"""Write protocol/vectors/*.json deterministically, from the parties of vector_world.

    python protocol/tools/gen_vectors.py            # write them
    python protocol/tools/gen_vectors.py --check    # exit 1 if a file is stale

A topic is a file `vector_<topic>.py` in this folder: `vectors()` yields its vectors; the optional
`scenes()` returns their initial wallets by name. Optional constants: NOT_ON_DEVICE is the reason
why devices lack these rules; HOST_ONLY the reason why `jiaozi` lacks them too, so that the host's
code is tested. The JSON file repeats these constants.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

import vector_world

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("protocol/vectors")


def topics() -> list[str]:
    """List the names of all topics."""
    found = Path(__file__).parent.glob("vector_*.py")
    return sorted({path.stem.removeprefix("vector_") for path in found} - {"world"})


def render(name: str) -> str:
    """Render the file of one topic: wallets by name, then vectors with their ids."""
    topic = importlib.import_module(f"vector_{name}")
    made = list(topic.vectors())
    used = {each.get("scene") for each in made}
    scenes = topic.scenes() if hasattr(topic, "scenes") else {}
    wallets = {key: vector_world.dump(one) for key, one in scenes.items() if key in used}
    numbered = [{"id": f"{name}-{number:03}", **each} for number, each in enumerate(made, 1)]
    limits = ("NOT_ON_DEVICE", "HOST_ONLY")
    content = {each.lower(): getattr(topic, each) for each in limits if hasattr(topic, each)}
    return json.dumps({**content, "scenes": wallets, "vectors": numbered}, indent=1) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the vectors, or check them."""
    parser = argparse.ArgumentParser(description="Write protocol/vectors/*.json.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to work on")
    options = parser.parse_args(arguments)
    folder = options.root / FOLDER
    wanted = {folder / f"{name}.json": render(name) for name in topics()}
    found = set(folder.glob("*.json"))
    stale = sorted(found - set(wanted))
    stale += [
        path for path, text in wanted.items() if path not in found or path.read_text() != text
    ]
    if options.check:
        for path in stale:
            print(f"{path.relative_to(options.root)} is stale: run gen_vectors.py", file=sys.stderr)
        return 1 if stale else 0
    folder.mkdir(parents=True, exist_ok=True)
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path])
            print(f"wrote {path.relative_to(options.root)}")
        else:
            path.unlink()
            print(f"removed {path.relative_to(options.root)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
