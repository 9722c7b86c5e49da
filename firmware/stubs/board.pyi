"""The functions that every board's `board.py` provides to the application."""

from wallet.links.link import Link
from wallet.person.person import Person
from wallet.storage.pages import Nvm

def nvm() -> Nvm: ...
def links() -> list[Link]:
    """All links, in the order in which they are serviced."""

def person() -> Person: ...
