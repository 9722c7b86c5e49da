"""Contactless reader driven by test code: activates the card in its field and exchanges APDUs."""

from __future__ import annotations

from jiaozi_sim.field import Identity
from jiaozi_sim.iso_dep import OVERHEAD, RATS, Ats, Pcd, PcdEvent, PcdStep
from jiaozi_sim.machines.base import MachineError
from tests.sweep.engine.bench import Bench, Stuck

_FSDI = 8
_PATIENCE = 20.0
_POLL_EVERY = 0.05
_STARTUP = 0.01


class CardLost(MachineError):
    """The card does not answer."""


class ScriptedReader:
    """An ISO/IEC 14443-4 reader on a bench; place a wallet on the field, then call `connect`."""

    name = "reader"

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._received: list[tuple[bytes, bool]] = []
        self._pcd = Pcd()
        self._ats = Ats()

    def connect(self) -> None:
        """Switch the field on and activate the card that answers. Raises CardLost."""
        bench = self._bench
        bench.field.place(self)
        bench.field.set_carrier(self, True)
        end = bench.scheduler.now() + _PATIENCE
        while bench.scheduler.now() < end:
            bench.run_for(_STARTUP)
            found = bench.field.sense(self)
            if len(found) == 1:
                card, identity = found[0]
                bench.field.select(self, card, identity.uid)
                if self._activate():
                    return
            bench.field.set_carrier(self, False)
            bench.run_for(_POLL_EVERY)
            bench.field.set_carrier(self, True)
        raise CardLost("no card answers")

    def _activate(self) -> bool:
        answer = self._frame(bytes((RATS, _FSDI << 4)), 0.1)
        if answer is None:
            return False
        self._ats = Ats.decode(answer)
        self._pcd = Pcd()
        return True

    def exchange(self, command: bytes) -> bytes:
        """Send a command APDU and return the response APDU. Raises CardLost."""
        size = self._ats.fsc - OVERHEAD
        pieces = [command[i : i + size] for i in range(0, max(len(command), 1), size)]
        step = self._pcd.send(pieces.pop(0), bool(pieces))
        response = b""
        while True:
            step = self._settle(step)
            if step.event is PcdEvent.ACKNOWLEDGED:
                step = self._pcd.send(pieces.pop(0), bool(pieces))
            elif step.event is PcdEvent.DATA:
                response += step.inf
                if not step.more:
                    return response
                step = self._pcd.fetch()
            else:
                raise CardLost(str(step.reason))

    def _settle(self, step: PcdStep) -> PcdStep:
        while step.event is PcdEvent.SEND:
            answer = self._frame(step.block, self._ats.fwt * step.waits + 0.005)
            step = self._pcd.missing() if answer is None else self._pcd.receive(answer)
        return step

    def _frame(self, block: bytes, patience: float) -> bytes | None:
        bench = self._bench
        self._received.clear()
        air = bench.field.transmit(self, block)
        try:
            bench.run_until(lambda: bool(self._received), air + patience)
        except Stuck:
            return None
        frame, intact = self._received[-1]
        return frame if intact else None

    def release(self) -> None:
        """Switch the field off and leave it."""
        self._bench.field.set_carrier(self, False)
        self._bench.field.remove(self)

    # -- jiaozi_sim.field.Endpoint ---------------------------------------------------------------

    def field_changed(self, present: bool) -> None:
        """See :class:`jiaozi_sim.field.Endpoint`."""

    def receive_frame(self, frame: bytes, bit_rate: int, intact: bool) -> None:
        """See :class:`jiaozi_sim.field.Endpoint`."""
        self._received.append((frame, intact))

    def identity(self, wake: bool) -> Identity | None:
        """Return None: a reader does not answer as a card."""
        return None

    def select(self) -> None:
        """See :class:`jiaozi_sim.field.Endpoint`."""
