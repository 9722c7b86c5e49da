"""Run the vectors of protocol/vectors on CPython or MicroPython.

    python tests/vectors/check_vectors.py protocol/vectors/*.json

Prints one line for each vector that fails, and a count at the end; the exit status is 1 if any
failed. The module kinds/<topic>.py runs a topic's vectors: its `run` takes a vector, its input and
the book of its scene's wallet (None without a scene), and raises Refused or returns the fields that
the vector must have. A module with TAKES_STORE gets the store instead of the book, and itself
checks that a refusal changed nothing.
"""

import sys
from binascii import unhexlify

from jiaozi.wallet.book import Book
from jiaozi.wire.errors import Refused

OK = 0x9000
RUNNERS = {}  # modules by topic, as they are needed


class Memory:
    """A wallet's store, filled from a vector file's scene (`read_scene`)."""

    def __init__(self, scene):
        self.data = dict(scene)

    def get(self, key):
        return self.data.get(key)

    def keys(self):
        return list(self.data)

    def commit(self, changes):
        for key, value in changes.items():
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value

    def holds(self, lengths):
        return True


def read_scene(scene):
    """Read a scene's keys and values as bytes; boards get their scenes in this form."""
    return {int(key): unhexlify(value) for key, value in scene.items()}


def runner(topic):
    """Import the module that runs the vectors of a topic."""
    if topic not in RUNNERS:
        name = "kinds." + topic
        __import__(name)
        RUNNERS[topic] = sys.modules[name]
    return RUNNERS[topic]


def problem(vector, scenes):
    """Run a vector; return a description of its failure, or None."""
    module = runner(vector["id"].rsplit("-", 1)[0])
    store = Memory(scenes[vector["scene"]] if "scene" in vector else {})
    before = dict(store.data)
    takes_store = hasattr(module, "TAKES_STORE")
    wallet = store if takes_store else Book(store) if before else None
    found = {}
    try:
        found = module.run(vector, unhexlify(vector["input"]), wallet)
        sw = OK
    except Refused as refused:
        sw = refused.sw
        if not takes_store and store.data != before:
            return "refused, but the wallet has changed"
    if sw != int(vector["sw"], 16):
        return "{:04X} instead of {}".format(sw, vector["sw"])
    for name, value in found.items():
        if vector.get(name, value) != value:
            return "another " + name
    return None


def run(path):
    """Run one file and print failed vectors; return the numbers of run and of failed ones."""
    import json  # a board has no json: it gets its vectors one by one

    with open(path) as file:
        content = json.load(file)
    if "host_only" in content and sys.implementation.name != "cpython":
        return 0, 0
    scenes = {name: read_scene(scene) for name, scene in content["scenes"].items()}
    failed = 0
    for vector in content["vectors"]:
        wrong = problem(vector, scenes)
        if wrong is not None:
            failed += 1
            print("{} ({}): {}".format(vector["id"], vector["note"], wrong))
    return len(content["vectors"]), failed


def main(paths):
    results = [run(path) for path in paths]
    failed = sum(result[1] for result in results)
    print(f"{sum(result[0] for result in results)} vectors, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
