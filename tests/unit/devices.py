"""Wallet applications in memory: the firmware's dispatcher over a dict store, without a board."""

from __future__ import annotations

from _jzcbor import dumps, loads
from jiaozi.operator import issue
from jiaozi.wire import apdu, certificates, channel, commands, cose, errors
from jiaozi_host.channel import Speaker, agree, certified, nobody
from tests.unit.wallets import Bank, MemoryStore
from wallet.device import Device
from wallet.dispatch import dispatch

PIN = b"1234"


def command(ins: int, data: bytes = b"") -> bytes:
    """A command APDU of ours."""
    return apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)


class Port:
    """`wallet.hal.port` in a test: time passes by waiting, marks are kept."""

    def __init__(self) -> None:
        self.now = 0
        self.marks: list[int] = []

    def mark(self, phase: int) -> int:
        self.marks.append(phase)
        return 0

    def ticks_ms(self) -> int:
        return self.now

    def report(self, fault: Exception) -> None:
        """An own bug fails the test, though a wallet would only answer 6F00."""
        raise fault

    def wait(self, ms: int) -> bool:
        self.now += ms
        return False


class Wallet:
    """A device with helpers to give it commands.

    `give` and `must` go through the channel once there is one; `give_plain` never does.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.screens: list[tuple[str, dict[str, object]]] = []
        self.port = Port()
        self.device = Device(
            self.store, lambda name, **data: self.screens.append((name, data)), self.port
        )
        self.channel: channel.Channel | None = None

    def exchange(self, command: bytes) -> bytes:
        return dispatch(self.device, command)

    def select(self) -> list[object]:
        self.channel = None
        return loads(self.exchange(apdu.select())[:-2])

    def give_plain(self, ins: int, data: bytes = b"") -> tuple[bytes, int]:
        return apdu.split_response(self.exchange(command(ins, data)))

    def give(self, ins: int, data: bytes = b"") -> tuple[bytes, int]:
        if self.channel is None:
            return self.give_plain(ins, data)
        answer, sw = self.give_plain(commands.RECORD, self.channel.seal(command(ins, data)))
        if sw != apdu.SW_OK:
            return answer, sw
        return apdu.split_response(self.channel.open(answer))

    def must(self, ins: int, data: bytes = b"") -> bytes:
        answer, sw = self.give(ins, data)
        assert sw == apdu.SW_OK, hex(sw)
        return answer

    def open_channel(self, speaker: Speaker | None = None) -> None:
        """Agree on a channel with whoever it is; without a speaker the host is nobody."""

        def must_plain(ins: int, data: bytes) -> bytes:
            answer, sw = self.give_plain(ins, data)
            if sw != apdu.SW_OK:
                raise errors.Refused(sw)
            return answer

        me = self.device.book.me if self.device.provisioned else None
        self.channel = agree(
            speaker or nobody(),
            me,
            self.device.book.network if me else cose.TEST,
            lambda message: must_plain(commands.AGREE, message),
            lambda message: must_plain(commands.CONFIRM, message),
        )

    @property
    def balance(self) -> int:
        return self.device.book.state.balance

    def restart(self) -> None:
        """What a power cut leaves: the store alone."""
        self.__init__(self.store)

    def arm(self, direction: int, amount: int) -> bytes:
        self.select()
        self.open_channel()
        self.must(commands.VERIFY, PIN)
        return self.must(commands.ARM, dumps([direction, amount, commands.AUTO]))


def provision(bank: Bank, name: str, **limits: object) -> Wallet:
    """Make a wallet of a blank device by its own commands."""
    wallet = Wallet()
    wallet.select()
    wallet.open_channel(speaker(bank))
    public = wallet.must(commands.CREATE)
    certificate = certificates.issue(
        cose.WALLET,
        name.encode().ljust(8, b"_")[:8],
        public,
        [certificates.CARD, 3, 0, 100],
        bank.operator_key,
        bank.operator,
        bank.network,
    )
    package = issue.package(
        bank.network,
        bank.authority.raw,
        [bank.operator.raw],
        certificate.raw,
        bank.policy(**limits),
        bank.epoch(),
    )
    wallet.must(commands.INSTALL, dumps([package, PIN]))
    return wallet


def speaker(bank: Bank, expiry: int = 100) -> Speaker:
    """A host of the bank's operator."""
    return certified(expiry, bank.operator_key, bank.operator, bank.network)


def open_session(bank: Bank, wallet: Wallet) -> bytes:
    """Open the operator's channel; returns the nonce for a settlement."""
    wallet.open_channel(speaker(bank))
    return wallet.must(commands.CHALLENGE)
