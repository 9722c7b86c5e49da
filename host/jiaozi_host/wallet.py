"""The commands of a wallet over a link, typed: one method each (see `jiaozi.commands`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from _jzcbor import dumps
from jiaozi import apdu, commands
from jiaozi.commands import READY
from jiaozi.cose import BYTES, LIST, OPTIONAL_BYTES, UINT, VERSION, decode, expect
from jiaozi.errors import CLA_UNKNOWN, INS_UNKNOWN, NOT_FOUND, Refused
from jiaozi.rules import GENERAL
from jiaozi.sync import NONCE_LENGTH
from jiaozi_host.errors import BadAnswer, ForeignCard, refused_by_wallet
from jiaozi_host.links import Link


@dataclass(frozen=True)
class Selected:
    """What SELECT answers: hints until signatures are checked.

    status: BLANK, KEYED or READY; epoch: the wallet's epoch; certificate, request: encoded, None
    without.
    """

    status: int
    epoch: int
    certificate: bytes | None
    request: bytes | None


@dataclass(frozen=True)
class Info:
    """What INFO answers. id is None on what is no wallet yet, the last four without a PIN.

    purses: number, balance, expiry, cap and categories of each purse with terms.
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


class WalletClient:
    """A wallet at the other end of a link.

    Every method raises WalletRefused (WrongPin, PinBlocked) for a status word other than 9000,
    BadAnswer for an answer that is not what the command promises, and what the link raises.
    """

    def __init__(self, link: Link) -> None:
        self.link = link

    def _call(self, ins: int, data: bytes = b"") -> bytes:
        return self._send(apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY))

    def _send(self, command: bytes) -> bytes:
        try:
            data, status = apdu.split_response(self.link.exchange(command))
        except apdu.ApduError as error:
            raise BadAnswer(f"the wallet's answer is cut short: {error}") from error
        if status != apdu.SW_OK:
            raise refused_by_wallet(status)
        return bytes(data)

    # Anybody --------------------------------------------------------------------------------------

    def select(self) -> Selected:
        """Select the wallet application; a PIN and a session given before are forgotten.

        Raises ForeignCard when the card has no such application, or one of another version.
        """
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
        return Selected(state, epoch, certificate, request)

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
        if not isinstance(body, list) or len(body) != 11:
            raise BadAnswer("the wallet's INFO is malformed")
        self._expect([body[0], body[1], *body[2:7]], (UINT, OPTIONAL_BYTES, *(UINT,) * 5))
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
        self._call(commands.VERIFY, pin.encode())

    def change(self, old: str, new: str) -> None:
        """Replace the PIN."""
        self._call(commands.CHANGE, dumps([old.encode(), new.encode()]))

    def arm_receive(self, amount: int, role: int = commands.AUTO, purse: int = GENERAL) -> bytes:
        """Make the next tap receive `amount` (0: any) for a purse; return the request.

        Needs the PIN.
        """
        body = [commands.RECEIVE, amount, role, purse]
        return self._call(commands.ARM, dumps(body if purse else body[:3]))

    def arm_pay(self, amount: int, role: int = commands.AUTO) -> None:
        """Make the next tap pay `amount`. Needs the PIN."""
        self._call(commands.ARM, dumps([commands.PAY_OUT, amount, role]))

    def disarm(self) -> None:
        """Make the next tap do nothing by itself; open requests are cancelled. Needs the PIN."""
        self._call(commands.DISARM)

    # Operator -------------------------------------------------------------------------------------

    def create(self) -> bytes:
        """Have the device make its key; return the public key (the same one until `install`)."""
        public = self._call(commands.CREATE)
        self._expect([public], (32,))
        return public

    def install(self, package: bytes, pin: str) -> None:
        """Make a wallet of the device with a package of `jiaozi.install` and a first PIN."""
        self._call(commands.INSTALL, dumps([package, pin.encode()]))

    def challenge(self) -> bytes:
        """Have the wallet draw the nonce for a session and its settlement."""
        nonce = self._call(commands.CHALLENGE)
        self._expect([nonce], (NONCE_LENGTH,))
        return nonce

    def open_session(self, session: bytes) -> None:
        """Open an operator's session with its signature over the wallet's nonce."""
        self._call(commands.OPEN, session)

    def update(self, operators: list[bytes], policy: bytes, epoch: bytes) -> None:
        """Bring the wallet's rules up to date. Needs a session, as do all below."""
        self._call(commands.UPDATE, dumps([operators, policy, epoch]))

    def statement(self, nonce: bytes) -> bytes:
        """The wallet's signed statement for a 16-byte nonce."""
        return self._call(commands.STATEMENT, nonce)

    def entry(self, position: int) -> bytes:
        """The journal entry at a position."""
        return self._call(commands.ENTRY, dumps(position))

    def settle(self, settlement: bytes) -> None:
        """Hand over the operator's settlement."""
        self._call(commands.SETTLE, settlement)

    def terms(self, terms: bytes) -> None:
        """Give the wallet the terms of a purse; the same again change nothing."""
        self._call(commands.TERMS, terms)

    def unblock(self, pin: str) -> None:
        """Set a new PIN in the operator's name."""
        self._call(commands.UNBLOCK, pin.encode())

    def successor(self, nonce: bytes) -> bytes:
        """Have the wallet make its next key; return its last statement, which names that key."""
        return self._call(commands.SUCCESSOR, nonce)

    def rotate(self, rotation: bytes) -> None:
        """Hand over the operator's rotation: the wallet changes to its next key and id."""
        self._call(commands.ROTATE, rotation)

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
