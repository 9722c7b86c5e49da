"""The board's frozen modules. Written by boards/generate.py from board.toml: do not edit."""

include(  # noqa: F821  (given by makemanifest)
    "$(PORT_DIR)/../../manifest.py",
    wallet=(
        "drivers/cst816s.py",
        "drivers/gc9a01.py",
        "drivers/pn532.py",
        "drivers/pn532_hsu.py",
        "links/contactless",
        "person/keys.py",
        "person/touch.py",
        "person/viewer.py",
        "screens",
    ),
)
