"""PAYMENT: the payer's reader hands over a payment for a request of this wallet."""

from jiaozi.wire.cose import BYTES, decode, expect
from jiaozi.wire.errors import MALFORMED, Refused
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take `[payer's certificate, payment]`, with the request behind them or not; answer receipt or
    void.
    """
    body = decode(data)
    if type(body) is not list or len(body) not in (2, 3):
        raise Refused(MALFORMED)
    expect(body, (BYTES,) * len(body))
    return device.receive(*body)
