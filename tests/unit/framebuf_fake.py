"""MicroPython's framebuf, as far as the firmware uses it: same pixels, same refusals."""

from __future__ import annotations

MONO_VLSB, RGB565, MONO_HLSB = 0, 1, 3


class FrameBuffer:
    """See the MicroPython documentation. Strict about what framebuf would not check."""

    def __init__(self, buffer: bytearray, width: int, height: int, kind: int) -> None:
        sizes = {
            MONO_VLSB: width * ((height + 7) // 8),
            MONO_HLSB: (width + 7) // 8 * height,
            RGB565: width * height * 2,
        }
        if memoryview(buffer).readonly:
            raise TypeError("object with buffer protocol required")
        if len(buffer) < sizes[kind]:
            raise ValueError("buffer too small")
        self.buffer, self.width, self.height, self.kind = buffer, width, height, kind

    def _place(self, x: int, y: int) -> tuple[int, int]:
        """Byte and bit of a monochrome pixel."""
        if self.kind == MONO_VLSB:
            return (y >> 3) * self.width + x, y & 7
        return y * ((self.width + 7) // 8) + (x >> 3), 7 - (x & 7)

    def get(self, x: int, y: int) -> int:
        """The pixel, which must be inside."""
        if self.kind == RGB565:
            at = (y * self.width + x) * 2
            return self.buffer[at] | self.buffer[at + 1] << 8
        at, bit = self._place(x, y)
        return self.buffer[at] >> bit & 1

    def pixel(self, x: int, y: int, colour: int) -> None:
        """Set one pixel; outside nothing happens."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return
        if self.kind == RGB565:
            at = (y * self.width + x) * 2
            self.buffer[at : at + 2] = colour.to_bytes(2, "little")
        else:
            at, bit = self._place(x, y)
            self.buffer[at] = self.buffer[at] & ~(1 << bit) | bool(colour) << bit

    def fill(self, colour: int) -> None:
        """Every pixel."""
        self.fill_rect(0, 0, self.width, self.height, colour)

    def fill_rect(self, x: int, y: int, width: int, height: int, colour: int) -> None:
        """The part of a rectangle that is inside."""
        for row in range(max(y, 0), min(y + height, self.height)):
            for column in range(max(x, 0), min(x + width, self.width)):
                self.pixel(column, row, colour)

    def blit(self, source: FrameBuffer, x: int, y: int, key: int, palette: FrameBuffer) -> None:
        """Copy through a palette, leaving out what then equals the key."""
        for row in range(source.height):
            for column in range(source.width):
                colour = palette.get(source.get(column, row), 0)
                if colour != key:
                    self.pixel(x + column, y + row, colour)
