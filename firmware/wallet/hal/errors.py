"""What can go wrong between the wallet and the hardware around it."""


class HardwareError(Exception):
    """The base of everything here."""


class LinkError(HardwareError):
    """A contactless exchange did not come to its end. The session it belonged to is over."""


class LinkLost(LinkError):
    """The counterpart left the field, or what came from it could not be understood by the chip."""


class LinkTimeout(LinkError):
    """The chip or the counterpart stayed silent for too long."""


class ChipError(LinkError):
    """The chip refused a command or answered nonsense.

    status: the chip's error code (0 when there is none).
    """

    def __init__(self, reason: str, status: int = 0):
        super().__init__(reason)
        self.status = status


class TwoCards(LinkError):
    """More than one card answered in the field: which one is meant cannot be known."""


class DisplayError(HardwareError):
    """The display stayed busy for too long."""
