"""Compare random power cuts on QEMU with the same cuts on Unicorn (`make sweep-qemu`).

Two wallets with an open request start from the same NVM on either engine; one of them loses its
power after its n-th store into NVM, starts again, and taps again. The ends must be equal: every
balance, the journals’ heads, and the status words on the air.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from jiaozi_sim.client import Frame, Simulator, SimulatorError, Wallet
from jiaozi_sim.field import FrameRecord
from jiaozi_sim.iso_dep import CHAINING, is_i_block
from jiaozi_sim.machines.base import NVM_SIZE, device_key_page
from jiaozi_sim.machines.marks import Mark
from tests.sweep.engine.bench import Bench
from tests.sweep.engine.cuts import Cut, torn_nvm
from tests.sweep.engine.device_key import DEVICE_KEY
from tests.sweep.engine.explorer import Images, Run, images, restart
from tests.sweep.flows.actors import PAYEE, PAYER, Actors
from tests.sweep.flows.catalogue import Flow, payee_reads, play_start
from tests.sweep.flows.oracle import held, is_settled, read_book
from tests.sweep.flows.prepared import NO_FAULT, PreparedFlow, PreparedFlows
from tests.sweep.images import ELF, ROOT, image

SECONDS = 60.0
_POLL_SECONDS = 0.05


def _without_power(actors: Actors) -> None:
    payee_reads(actors)
    for wallet in actors.bench.wallets.values():
        wallet.cut_power()


WITHOUT_POWER = Flow("without-power", play_start, _without_power, tap=False)


@dataclass(frozen=True)
class Place:
    """A cut right after a wallet's n-th store, counted from its start."""

    wallet: str
    stores: int


@dataclass(frozen=True)
class End:
    """Final state of two wallets; status: distinct status words of the tap that finished."""

    held: dict[str, dict[int, int]]
    heads: dict[str, str]
    status: list[str]


def status_words(frames: Iterable[Frame | FrameRecord]) -> list[str]:
    """Return the distinct status words of all complete answers on the air, sorted."""
    found = {
        frame.data[-2:].hex()
        for frame in frames
        if frame.direction == "<" and is_i_block(frame.data) and not frame.data[0] & CHAINING
    }
    return sorted(found)


def end_of(nvm: Images, frames: Iterable[Frame | FrameRecord]) -> End:
    """Return the final state to compare."""
    books = {name: read_book(image) for name, image in nvm.items()}
    there = {name: book for name, book in books.items() if book is not None}
    return End(
        {name: held(book) for name, book in there.items()},
        {name: book.state.head.hex() for name, book in there.items()},
        status_words(frames),
    )


def places(run: Run) -> list[Place]:
    """Return a place for every store of the undisturbed tap."""
    done = {PAYER: 0, PAYEE: 0}
    found = []
    for event in run.events:
        for _ in event.stores:
            done[event.wallet] += 1
            found.append(Place(event.wallet, done[event.wallet]))
    return found


def _locate(run: Run, place: Place) -> Cut:
    left = place.stores
    for number, event in enumerate(run.events):
        if event.wallet == place.wallet:
            if left <= len(event.stores):
                return Cut(number, left - 1, "new")
            left -= len(event.stores)
    raise ValueError(f"no such store: {place}")


def on_unicorn(flow: PreparedFlow, run: Run, place: Place) -> End:
    """Cut on Unicorn. Raises Broken, MachineError."""
    cut = _locate(run, place)
    event = run.events[cut.event]
    if event.snapshot is None:
        raise ValueError("the run was recorded without snapshots")
    bench: Bench = event.snapshot.restored()
    wallet = bench.wallets[place.wallet]
    torn = torn_nvm(event, cut, flow.seed)
    boots = event.snapshot.cores[place.wallet].boots
    restart(bench, {place.wallet: flow.starts.start(wallet.core.seed, torn, boots)})
    before = len(bench.field.log)
    flow.finish(bench, [place.wallet], event.beside)
    return end_of(images(bench), list(bench.field.log)[before:])


def on_qemu(sim: Simulator, wallets: dict[str, Wallet], nvm: Images, place: Place) -> End:
    """Cut on QEMU. Raises SimulatorError."""
    for name, wallet in wallets.items():
        if wallet.running:
            wallet.cut_power()
        wallet.cut_after_stores(None)
        wallet.nvm_write(nvm[name])
    victim = wallets[place.wallet]
    victim.cut_after_stores(place.stores)
    for wallet in wallets.values():
        wallet.start()
        wallet.wait_mark(Mark.READY)
    with sim.tapped(*wallets):
        victim.wait_off(SECONDS)
    victim.start()
    victim.wait_mark(Mark.READY)
    before = len(sim.frames())
    with sim.tapped(*wallets):
        _wait_settled(wallets)
    return end_of(_nvm(wallets), sim.frames(before))


def _nvm(wallets: dict[str, Wallet]) -> dict[str, bytes]:
    return {name: wallet.nvm_read() for name, wallet in wallets.items()}


def _wait_settled(wallets: dict[str, Wallet]) -> None:
    end = time.monotonic() + SECONDS
    while not is_settled(book for book in map(read_book, _nvm(wallets).values()) if book):
        if time.monotonic() > end:
            raise SimulatorError("Unsettled", f"not settled in {SECONDS} s")
        time.sleep(_POLL_SECONDS)


def compare(elf: Path, seed: int, count: int) -> Iterator[tuple[Place, End, End]]:
    """Cut at random places on both engines; yield each place with Unicorn's and QEMU's end."""
    flows = PreparedFlows(elf, seed)
    try:
        flow = flows.get(WITHOUT_POWER)
        run = flow.record(NO_FAULT)
        nvm = {name: state.state for name, state in flow.start.cores.items()}
        chosen = random.Random(f"{seed}:qemu").sample(places(run), count)
        with Simulator() as sim:
            wallets = {
                name: sim.add_wallet(name, elf=elf, seed=f"{seed}:{name}".encode(), engine="qemu")
                for name in nvm
            }
            for wallet in wallets.values():
                wallet.key_page_write(device_key_page(DEVICE_KEY))
            cores = {name: image[:NVM_SIZE] for name, image in nvm.items()}
            for place in chosen:
                yield place, on_unicorn(flow, run, place), on_qemu(sim, wallets, cores, place)
    finally:
        flows.close()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elf", type=image, default=str(ELF), help="the image under test")
    parser.add_argument("--seed", type=int, default=1, help="of all random choices; default: 1")
    parser.add_argument("--cuts", type=int, default=200, help="number of cuts; default: 200")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "sweep-qemu.json", help="the report's file"
    )
    given = parser.parse_args()
    begun, differing = time.monotonic(), []
    for number, (place, ours, theirs) in enumerate(compare(given.elf, given.seed, given.cuts), 1):
        if ours != theirs:
            differing.append({"place": asdict(place), "unicorn": str(ours), "qemu": str(theirs)})
            print(differing[-1])
        if number % 10 == 0:
            print(f"{number} of {given.cuts} cuts, {len(differing)} end differently", flush=True)
    result = {
        "seed": given.seed,
        "cuts": given.cuts,
        "failures": len(differing),
        "seconds": round(time.monotonic() - begun, 1),
        "differing": differing,
    }
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{given.cuts} cuts on QEMU, {len(differing)} end differently, {result['seconds']} s")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
