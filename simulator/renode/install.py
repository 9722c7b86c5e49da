"""Print how to install Renode, or compare an archive's digest (`make renode-install`).

    python3 install.py                     print the steps
    python3 install.py ARCHIVE [SHA256]    compare an archive's SHA-256

The digest to compare with is the second argument, or the one that the release's page has.
Exit status: 0 no difference; 1 the archive is another one; 2 it could not be compared.
"""

from __future__ import annotations

import hashlib
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

VERSION = "1.16.1"
ARCHIVE = f"renode-{VERSION}.linux-portable-dotnet.tar.gz"
RELEASE = f"https://github.com/renode/renode/releases/download/v{VERSION}/{ARCHIVE}"
FACTS = f"https://api.github.com/repos/renode/renode/releases/tags/v{VERSION}"
_SECONDS = 20
ADVICE = f"""Renode {VERSION} (1.15 or newer) is not in the distribution. With a network:

  mkdir -p build/renode-installed
  curl --location --fail --output build/{ARCHIVE} \\
      {RELEASE}
  make renode-install ARCHIVE=build/{ARCHIVE}        # compares its SHA-256
  tar --extract --strip-components 1 --file build/{ARCHIVE} --directory build/renode-installed
  python3 -m pip install --user -r build/renode-installed/tests/requirements.txt
  RENODE_DIR=$PWD/build/renode-installed make renode

`renode` and `renode-test` on the PATH serve as well. Other systems' archives are on the same page;
a Mono or dotnet that is installed already can run the smaller ones."""


class Unknown(Exception):
    """The published digest is not available."""


def published(name: str, facts: str = FACTS) -> str:
    """Return the SHA-256 of a file from the release's page. Raises Unknown."""
    try:
        with urllib.request.urlopen(facts, timeout=_SECONDS) as answer:
            assets = json.load(answer)["assets"]
        digests = [asset.get("digest") or "" for asset in assets if asset["name"] == name]
    except (OSError, ValueError, KeyError, TypeError, urllib.error.URLError) as error:
        raise Unknown(f"{facts} cannot be read: {error}") from error
    if not digests or not digests[0].startswith("sha256:"):
        raise Unknown(f"{facts} has no digest of {name}")
    return digests[0].removeprefix("sha256:")


def compare(archive: Path, digest: str | None, facts: str = FACTS) -> int:
    """Compare an archive with the published one and print the result; return the exit status."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    print(f"{found}  {archive.name}")
    try:
        expected = digest or published(archive.name, facts)
    except Unknown as error:
        print(f"renode-install: NOT compared: {error}", file=sys.stderr)
        return 2
    if found != expected.lower():
        print(f"renode-install: this is NOT the archive: {expected} is expected", file=sys.stderr)
        return 1
    print("renode-install: the archive is the published one")
    return 0


def main() -> int:
    """Run the command line."""
    if len(sys.argv) < 2:
        print(ADVICE)
        return 0
    return compare(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
