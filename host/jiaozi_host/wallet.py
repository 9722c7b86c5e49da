"""The commands of a wallet over a link, typed: one method each (see `jiaozi.wire.commands`).

What is for owner and operator goes through an encrypted channel, which is opened when it is first
needed; once it is open, everything but SELECT does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from _jzcbor import dumps
from jiaozi.wire import apdu, commands
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.channel import Channel
from jiaozi.wire.commands import READY
from jiaozi.wire.cose import BYTES, LIST, OPTIONAL_BYTES, TEST, UINT, VERSION, decode, expect
from jiaozi.wire.errors import CLA_UNKNOWN, INS_UNKNOWN, NOT_FOUND, Refused
from jiaozi.wire.statements import NONCE_LENGTH
from jiaozi.wire.terms import GENERAL
from jiaozi.wire.trust import Trust
from jiaozi_host.channel import Speaker, agree, nobody
from jiaozi_host.errors import BadAnswer, ForeignCard, HostError, refused_by_wallet
from jiaozi_host.links import Link


@dataclass(frozen=True)
class Selected:
    """What SELECT answers: hints until signatures are checked.

    status: as in `jiaozi.wire.commands`; epoch: the wallet's epoch; certificate, request: encoded,
    None without.
    """

    status: int
    epoch: int
    certificate: bytes | None
    request: bytes | None


@dataclass(frozen=True)
class Info:
    """What INFO answers. id is None on what is no wallet yet, the four of its money without a PIN.

    purses: number, balance, expiry, cap and categories of each purse with terms; firmware: its
    number, which the wallet says itself.
    """

    status: int
    id: bytes | None
    form: int
    tier: int
    policy_version: int
    epoch: int
    tries: int
    balance: int | None
    pending: int | None
    open_requests: int | None
    purses: list[tuple[int, int, int, int, list[int]]] | None
    firmware: int


class WalletClient:
    """A wallet at the other end of a link.

    trust: whom to believe that it is a genuine wallet before anything secret is sent to it; may be
    left out for what needs no channel, and for a blank device, which cannot prove anything.
    speaker: whom the host is for a wallet of the same operator; nobody in particular without.

    Every method raises WalletRefused (WrongPin, PinBlocked) for a status word other than 9000,
    BadAnswer for an answer that is not what the command promises, and what the link raises.
    """

    def __init__(
        self, link: Link, trust: Trust | None = None, speaker: Speaker | None = None
    ) -> None:
        self.link = link
        self._trust = trust
        self._speaker = speaker
        self._selected: Selected | None = None
        self._channel: Channel | None = None

    def exchange(self, command: bytes) -> bytes:
        """Send a command APDU, in the channel if there is one; return the response APDU."""
        channel, self._channel = self._channel, None  # whatever fails below ends it
        if channel is None:
            return self.link.exchange(command)
        record = self._plain(commands.RECORD, channel.seal(command))
        try:
            response = channel.open(record)
        except Refused as refusal:
            raise BadAnswer(f"the wallet's answer is not from the wallet ({refusal})") from refusal
        self._channel = channel
        return response

    def _call(self, ins: int, data: bytes = b"") -> bytes:
        return self._answer(
            self.exchange(apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY))
        )

    def _private(self, ins: int, data: bytes = b"") -> bytes:
        """Give a command that is taken in a channel only."""
        if self._channel is None:
            self.open_channel()
        return self._call(ins, data)

    def _plain(self, ins: int, data: bytes) -> bytes:
        command = apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)
        return self._answer(self.link.exchange(command))

    @staticmethod
    def _answer(response: bytes) -> bytes:
        try:
            data, status = apdu.split_response(response)
        except apdu.ApduError as error:
            raise BadAnswer(f"the wallet's answer is cut short: {error}") from error
        if status != apdu.SW_OK:
            raise refused_by_wallet(status)
        return bytes(data)

    def open_channel(self) -> None:
        """Open an encrypted channel with the wallet selected last, after seeing who it is.

        Raises BadAnswer when it is not the wallet it shows, or none that is to be trusted.
        """
        wallet = self._believed(self._selected or self.select())
        speaker = self._speaker
        if speaker is None or not speaker.known_to(wallet):
            speaker = nobody()
        self._channel = agree(
            speaker,
            wallet,
            self._trust.network if self._trust else TEST,
            lambda message: self._plain(commands.AGREE, message),
            lambda message: self._plain(commands.CONFIRM, message),
        )

    def _believed(self, hello: Selected) -> Certificate | None:
        """The verified certificate of the wallet selected; None for a device that is none yet."""
        if hello.certificate is None:
            return None
        if self._trust is None:
            raise HostError(
                "the authority's certificate is missing, and the wallet may be anybody's",
                "name the folder that holds it with --home",
            )
        try:
            return self._trust.wallet(hello.certificate)
        except Refused as refusal:
            raise BadAnswer(f"the wallet's certificate does not verify ({refusal})") from refusal

    # Anybody --------------------------------------------------------------------------------------

    def select(self) -> Selected:
        """Select the wallet application; a channel is closed, and a PIN given in it forgotten.

        Raises ForeignCard when the card has no such application, or one of another version.
        """
        self._channel = self._selected = None
        try:
            data, status = apdu.split_response(self.link.exchange(apdu.select()))
        except apdu.ApduError as error:
            raise ForeignCard("the card does not answer as a Jiaozi wallet does") from error
        if status in (NOT_FOUND, INS_UNKNOWN, CLA_UNKNOWN):
            raise ForeignCard(f"the card is not a Jiaozi wallet (it answers {status:04X})")
        if status != apdu.SW_OK:
            raise refused_by_wallet(status)
        try:
            body: Any = decode(data)
            expect(body, (UINT, UINT, UINT, OPTIONAL_BYTES, OPTIONAL_BYTES))
        except Refused as refusal:
            raise ForeignCard("the card does not answer as a Jiaozi wallet does") from refusal
        version, state, epoch, certificate, request = body
        if version != VERSION or (state == READY and certificate is None):
            raise ForeignCard(f"the wallet speaks version {version} of the protocol, not {VERSION}")
        self._selected = Selected(state, epoch, certificate, request)
        return self._selected

    def pay(self, payee: bytes, request: bytes) -> tuple[bytes, bytes | None]:
        """Ask for a payment; return it, and its request if it is a pending one for another."""
        body = self._decode(self._call(commands.PAY, dumps([payee, request])))
        if not isinstance(body, list) or len(body) not in (1, 2):
            raise BadAnswer("the wallet answers PAY with something else than a payment")
        self._expect(body, (BYTES,) * len(body))
        return body[0], body[1] if len(body) == 2 else None

    def payment(self, payer: bytes, payment: bytes, request: bytes | None = None) -> bytes:
        """Hand over a payment for a request of the wallet; return its receipt or void."""
        parts = [payer, payment] if request is None else [payer, payment, request]
        return self._call(commands.PAYMENT, dumps(parts))

    def resolve(self, outcome: bytes) -> None:
        """Hand over the receipt or void for a payment the wallet made."""
        self._call(commands.RESOLVE, outcome)

    # Owner ----------------------------------------------------------------------------------------

    def info(self) -> Info:
        """The wallet's state; balance, pending payments and open requests only after `verify`."""
        body = self._decode(self._call(commands.INFO))
        if not isinstance(body, list) or len(body) != 12:
            raise BadAnswer("the wallet's INFO is malformed")
        self._expect([*body[:7], body[11]], (UINT, OPTIONAL_BYTES, *(UINT,) * 6))
        for value in body[7:10]:
            if value is not None:
                self._expect([value], (UINT,))
        if body[10] is not None:
            body[10] = self._purses(body[10])
        return Info(*body)

    def _purses(self, purses: Any) -> list[tuple[int, int, int, int, list[int]]]:
        self._expect([purses], (LIST,))
        for purse in purses:
            self._expect(purse, (UINT, UINT, UINT, UINT, LIST))
            self._expect(purse[4], (UINT,) * len(purse[4]))
        return [tuple(purse) for purse in purses]

    def verify(self, pin: str) -> None:
        """Give the owner's PIN. Raises WrongPin or PinBlocked."""
        self._private(commands.VERIFY, pin.encode())

    def change(self, old: str, new: str) -> None:
        """Replace the PIN."""
        self._private(commands.CHANGE, dumps([old.encode(), new.encode()]))

    def arm_receive(self, amount: int, role: int = commands.AUTO, purse: int = GENERAL) -> bytes:
        """Make the next tap receive `amount` (0: any) for a purse; return the request.

        Needs the PIN.
        """
        body = [commands.RECEIVE, amount, role, purse]
        return self._private(commands.ARM, dumps(body if purse else body[:3]))

    def arm_pay(self, amount: int, role: int = commands.AUTO) -> None:
        """Make the next tap pay `amount`. Needs the PIN."""
        self._private(commands.ARM, dumps([commands.PAY_OUT, amount, role]))

    def disarm(self) -> None:
        """Make the next tap do nothing by itself; open requests are cancelled. Needs the PIN."""
        self._private(commands.DISARM)

    # Operator: all but the first two need its speaker ---------------------------------------------

    def create(self) -> bytes:
        """Have the device make its key; return the public key (the same one until `install`)."""
        public = self._private(commands.CREATE)
        self._expect([public], (32,))
        return public

    def install(self, package: bytes, pin: str) -> None:
        """Make a wallet of the device with a package of `jiaozi.wallet.install` and a first PIN."""
        self._private(commands.INSTALL, dumps([package, pin.encode()]))

    def challenge(self) -> bytes:
        """Have the wallet draw the nonce for a settlement."""
        nonce = self._private(commands.CHALLENGE)
        self._expect([nonce], (NONCE_LENGTH,))
        return nonce

    def update(self, operators: list[bytes], policy: bytes, epoch: bytes) -> None:
        """Bring the wallet's rules up to date."""
        self._private(commands.UPDATE, dumps([operators, policy, epoch]))

    def statement(self, nonce: bytes) -> bytes:
        """The wallet's signed statement for a 16-byte nonce."""
        return self._private(commands.STATEMENT, nonce)

    def entry(self, position: int) -> bytes:
        """The journal entry at a position."""
        return self._private(commands.ENTRY, dumps(position))

    def settle(self, settlement: bytes) -> None:
        """Hand over the operator's settlement."""
        self._private(commands.SETTLE, settlement)

    def terms(self, terms: bytes) -> None:
        """Give the wallet the terms of a purse; the same again change nothing."""
        self._private(commands.TERMS, terms)

    def unblock(self, pin: str) -> None:
        """Set a new PIN in the operator's name."""
        self._private(commands.UNBLOCK, pin.encode())

    def freeze(self) -> None:
        """Have the wallet begin nothing new any more, for good."""
        self._private(commands.FREEZE)

    def successor(self, nonce: bytes) -> bytes:
        """Have the wallet make its next key; return its last statement, which names that key."""
        return self._private(commands.SUCCESSOR, nonce)

    def rotate(self, rotation: bytes) -> None:
        """Hand over the operator's rotation: the wallet changes to its next key and id."""
        self._private(commands.ROTATE, rotation)

    # ----------------------------------------------------------------------------------------------

    @staticmethod
    def _decode(data: bytes) -> Any:
        try:
            return decode(data)
        except Refused as refusal:
            raise BadAnswer("the wallet's answer is malformed") from refusal

    @staticmethod
    def _expect(body: list[object], fields: tuple[int, ...]) -> None:
        try:
            expect(body, fields)
        except Refused as refusal:
            raise BadAnswer("the wallet's answer is malformed") from refusal
