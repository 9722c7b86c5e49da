"""Errors of links and displays."""


class HardwareError(Exception):
    """Base of all hardware errors."""


class LinkError(HardwareError):
    """A link failed; the session in which it did is over."""


class LinkLost(LinkError):
    """The peer left, or the chip could not decode what it sent."""


class LinkTimeout(LinkError):
    """The chip or the peer did not answer in time."""


class ChipError(LinkError):
    """The chip refused a command or sent an invalid answer.

    status: the chip's error code, 0 if there is none.
    """

    def __init__(self, reason: str, status: int = 0):
        super().__init__(reason)
        self.status = status


class TwoCards(LinkError):
    """More than one card answered in the field, so none is selected."""


class DisplayError(HardwareError):
    """The display stayed busy too long."""
