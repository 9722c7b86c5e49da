"""What every board's `board.py` offers the application."""

from typing import Any, Protocol

from wallet.drivers.pn532 import Pn532
from wallet.storage.pages import Nvm

class Display(Protocol):
    """See `wallet.hal.display`."""

    width: int
    height: int
    is_round: bool
    format: int
    colours: tuple[int, ...]
    def draw(self, paint: Any) -> None: ...

class Keys(Protocol):
    """See `wallet.hal.buttons`."""

    def pressed(self) -> list[str]: ...

def nvm() -> Nvm: ...
def nfc() -> Pn532: ...
def display() -> Display: ...
def buttons() -> Keys: ...
