"""The owner's gesture on the wallet, without which no try of the PIN is spent over the air."""

from jiaozi.wire.errors import (
    CONTACT_NEEDED,
    GESTURE_NEEDED,
    GESTURE_REFUSED,
    PIN_BLOCKED,
    Refused,
)
from wallet.consent import PIN_TRY
from wallet.device import Device


def allow_try(device: Device) -> None:
    """Return if a PIN may be compared now; a gesture is used up by it.

    On the contact line nothing else is needed: to put the wallet in is the gesture. A wallet on
    which none can be made keeps its last try for that line. Raises Refused: PIN_BLOCKED,
    GESTURE_NEEDED after asking the person, GESTURE_REFUSED, CONTACT_NEEDED.
    """
    tries = device.pin.tries()
    if tries == 0:
        raise Refused(PIN_BLOCKED)
    if not device.on_air:
        return
    if not device.person.can_answer:
        if tries == 1:
            raise Refused(CONTACT_NEEDED)
        return
    answer = device.consent.take(PIN_TRY)
    if answer is None:
        device.ask(PIN_TRY, "allow_pin")
        raise Refused(GESTURE_NEEDED)
    if not answer:
        raise Refused(GESTURE_REFUSED)
