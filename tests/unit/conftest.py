"""Modules of MicroPython that firmware imports and CPython lacks."""

import sys

from tests.fixtures import framebuf_fake

sys.modules.setdefault("framebuf", framebuf_fake)
