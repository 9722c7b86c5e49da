"""Measure what a tap costs in bytes and signatures, and write it into protocol/spec/05-transfer.md.

    python protocol/tools/gen_costs.py            # write the tables between the markers
    python protocol/tools/gen_costs.py --check    # exit 1 if they are stale

Everything is measured on real objects, commands and a played tap.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import vector_world as world

from _jzcbor import dumps
from jiaozi.wallet import book, payee, payer
from jiaozi.wire import apdu, commands, cose
from jiaozi.wire.suites import EDDSA

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = Path("protocol/spec/05-transfer.md")
BEGIN, END = "<!-- measured by protocol/tools/gen_costs.py: begin -->\n", "<!-- end -->\n"
# The largest value of counters, and a usual one in the first year of use.
LARGEST, USUAL = 2**30 - 1, 300
Sizes = dict[str, int]


def objects(number: int) -> dict[str, bytes]:
    """Encode each object of a tap with every counter at `number`.

    Amounts are 12.50 if `number` is USUAL, else `number`.
    """
    amount = 1250 if number == USUAL else number
    key, name = world.key_of("alice"), bytes(32)
    claims = [1, 3, 0 if number == USUAL else 9999, number]
    public = {1: {1: 1, -1: 6, -2: key.public}}
    bodies: dict[str, tuple[int, object]] = {
        "certificate": (cose.WALLET, {7: bytes(8), 8: public, -65537: claims}),
        "request": (cose.REQUEST, [number, amount, 0, "CNY", [0], number]),
        "payment": (cose.PAYMENT, [number, name, amount, 0, 1, number, number]),
        "receipt": (cose.RECEIPT, [name, number, number]),
        "void": (cose.VOID, [name, name, number, number]),
    }
    return {label: world.forge(kind, body, key, name) for label, (kind, body) in bodies.items()}


def exchange(ins: int, data: bytes, answer: bytes) -> int:
    """Number of bytes of a command and its answer."""
    command = apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)
    return len(command) + len(apdu.build_response(apdu.SW_OK, answer))


def select(number: int, certificate: bytes, request: bytes | None) -> int:
    """Number of bytes of SELECT and its answer."""
    answer = dumps([cose.VERSION, commands.READY, number, certificate, request])
    return len(apdu.select()) + len(apdu.build_response(apdu.SW_OK, answer))


def payee_reads(number: int) -> Sizes:
    """Bytes of each exchange when the payee's device is the reader."""
    made = objects(number)
    return {
        "SELECT": select(number, made["certificate"], None),
        "PAY": exchange(
            commands.PAY,
            dumps([made["certificate"], made["request"]]),
            dumps([made["payment"]]),
        ),
        "RESOLVE": exchange(commands.RESOLVE, made["receipt"], b""),
    }


def payer_reads(number: int) -> Sizes:
    """Bytes of each exchange when the payer's device is the reader."""
    made = objects(number)
    return {
        "SELECT": select(number, made["certificate"], made["request"]),
        "PAYMENT": exchange(
            commands.PAYMENT, dumps([made["certificate"], made["payment"]]), made["receipt"]
        ),
    }


def signatures() -> Iterator[tuple[str, int, int]]:
    """Yield step, signatures made and signatures checked, in a first tap of two wallets."""
    counts = {"sign": 0, "verify": 0}

    def counted(name: str, function: Callable) -> Callable:
        def call(*parts: bytes) -> object:
            counts[name] += 1
            return function(*parts)

        return call

    giver, taker = world.wallet("alice", [0, 1000]), world.wallet("bob")
    with (
        mock.patch.object(EDDSA, "sign", counted("sign", EDDSA.sign)),
        mock.patch.object(EDDSA, "verify", counted("verify", EDDSA.verify)),
    ):
        for step in play(giver, taker):
            yield step, counts["sign"], counts["verify"]
            counts.update(sign=0, verify=0)


def play(giver: book.Book, taker: book.Book) -> Iterator[str]:
    """Play a tap; yield the name of each step."""
    request = taker.apply(payee.request(taker, 5))
    yield "payee makes the request (before the tap)"
    payment = world.answer(giver, taker, request, 5)
    yield "payer checks certificate and request, signs the payment"
    reply, step = payee.receive(taker, giver.me.raw, payment)
    receipt = taker.apply(step) if step is not None else reply or b""
    yield "payee checks certificate and payment, signs the receipt"
    step = payer.resolve(giver, receipt)
    if step is not None:
        giver.apply(step)
    yield "payer checks the receipt (after the payee's commit)"


def table(head: list[str], rows: list[list[object]]) -> str:
    """Format a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def render() -> str:
    """Measure and format all tables."""
    usual, largest = objects(USUAL), objects(LARGEST)
    parts = [
        f"Bytes of each object, with counters at {USUAL} and with every number at its largest:\n",
        table(
            ["object", "usual", "largest"],
            [[name, len(usual[name]), len(largest[name])] for name in usual],
        ),
    ]
    for title, measure in (("payee's", payee_reads), ("payer's", payer_reads)):
        some, most = measure(USUAL), measure(LARGEST)
        rows: list[list[object]] = [[name, some[name], most[name]] for name in some]
        rows.append(["all", sum(some.values()), sum(most.values())])
        parts.append(f"APDU bytes both ways, the {title} reader:\n")
        parts.append(table(["exchange", "usual", "largest"], rows))
    made = [list(row) for row in signatures()]
    totals: list[object] = ["all", *(sum(int(str(row[at])) for row in made) for at in (1, 2))]
    parts.append("Signatures, between wallets that never met (else two checks less):\n")
    parts.append(table(["step", "made", "checked"], [*made, totals]))
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description="Measure what a tap costs.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to work on")
    options = parser.parse_args(arguments)
    path = options.root / CHAPTER
    text = path.read_text("utf-8")
    before, rest = text.split(BEGIN)
    wanted = f"{before}{BEGIN}\n{render()}\n{END}{rest.split(END)[1]}"
    if text == wanted:
        return 0
    if options.check:
        print(f"{CHAPTER} is stale: run gen_costs.py", file=sys.stderr)
        return 1
    path.write_text(wanted, "utf-8")
    print(f"wrote {CHAPTER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
