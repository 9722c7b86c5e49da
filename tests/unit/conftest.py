"""Modules of MicroPython that firmware imports and CPython lacks."""

import sys

from tests.unit import framebuf_fake

sys.modules.setdefault("framebuf", framebuf_fake)
