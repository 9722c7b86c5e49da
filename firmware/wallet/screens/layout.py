"""Layout of a page on a rectangular and on a round display."""

from micropython import const
from wallet.hal.display import INK, PAPER, SOFT
from wallet.screens.canvas import LARGE, MEDIUM, TEXT, width, wrap

_MARGIN = const(8)
_HEAD = const(26)  # rows of the title with its rule
_KEY_HIGH = const(22)
_KEY_WIDE = const(74)
_FINGER_HIGH = const(28)  # touch keys are larger than the labels of buttons
_FINGER_WIDE = const(80)
_LINE = const(20)


def paint(canvas, display, page: tuple) -> None:
    """Draw a page on the canvas's part of the picture."""
    canvas.clear(PAPER)
    if display.is_round:
        _paint_round(canvas, display.width, display.height, page)
    else:
        _paint_card(canvas, display.width, display.height, page)


def _paint_card(canvas, wide: int, high: int, page: tuple) -> None:
    """Put title and rule on top, key labels in the lower corners, the rest centred between."""
    title, note, figure, lines, keys, role = page
    canvas.text(TEXT, title, _MARGIN, 5, INK, PAPER)
    canvas.text(TEXT, note, wide - _MARGIN - width(TEXT, note), 5, SOFT, PAPER)
    canvas.box(_MARGIN, _HEAD - 2, wide - 2 * _MARGIN, 1, SOFT)
    foot = high - _KEY_HIGH - 4
    cancel, ok = keys
    box = foot, _KEY_WIDE, _KEY_HIGH
    left = right = wide // 2
    if cancel:
        _key(canvas, cancel, _MARGIN, box, False)
        left = _MARGIN + _KEY_WIDE
        right = wide - _MARGIN
    if ok:
        _key(canvas, ok, wide - _MARGIN - _KEY_WIDE, box, True)
    if not figure:
        lines, rest = _wrapped(lines, wide - 2 * _MARGIN), []
        if cancel:
            lines, rest = lines[:-1], lines[-1:]
        _centred(canvas, lines, wide // 2, (_HEAD + foot) // 2, role)
        lines = rest
    else:
        font = LARGE if width(LARGE, figure) <= wide - 2 * _MARGIN else MEDIUM
        top = (_HEAD + foot - font.ASCENT) // 2
        canvas.text(font, figure, (wide - width(font, figure)) // 2, top, role, PAPER)
    if lines:
        label = lines[0]
        middle = (left + right) // 2
        canvas.text(TEXT, label, middle - width(TEXT, label) // 2, foot + 4, SOFT, PAPER)


def _paint_round(canvas, wide: int, high: int, page: tuple) -> None:
    """Centre everything on the vertical axis, the widest element on the widest row."""
    title, note, figure, lines, keys, role = page
    middle = wide // 2
    _label(canvas, title, middle, high * 19 // 100, INK)
    _label(canvas, note, middle, high * 28 // 100, SOFT)
    centre = high * 49 // 100
    if figure:
        font = LARGE if width(LARGE, figure) <= wide * 92 // 100 else MEDIUM
        top = centre - font.ASCENT // 2
        canvas.text(font, figure, middle - width(font, figure) // 2, top, role, PAPER)
        for line in lines:
            _label(canvas, line, middle, high * 62 // 100, SOFT)
    else:
        _centred(canvas, _wrapped(lines, wide * 82 // 100), middle, centre, role)
    cancel, ok = keys
    box = high * 73 // 100, _FINGER_WIDE, _FINGER_HIGH
    if cancel and ok:
        _key(canvas, cancel, middle - _FINGER_WIDE - 3, box, False)
        _key(canvas, ok, middle + 3, box, True)
    elif cancel:
        _key(canvas, cancel, middle - _FINGER_WIDE // 2, box, False)


def _wrapped(lines: tuple, room: int) -> list:
    out = []
    for line in lines:
        out += wrap(TEXT, line, room)
    return out


def _centred(canvas, lines: list, x: int, y: int, role: int) -> None:
    """Draw lines of text centred on the point."""
    top = y - (len(lines) * _LINE - (_LINE - TEXT.ASCENT)) // 2
    for line in lines:
        _label(canvas, line, x, top, role)
        top += _LINE


def _label(canvas, text: str, x: int, y: int, role: int) -> None:
    canvas.text(TEXT, text, x - width(TEXT, text) // 2, y, role, PAPER)


def _key(canvas, label: str, x: int, box: tuple, filled: bool) -> None:
    """Draw a key's label, filled for the confirming key. box: top, width and height."""
    y, wide, high = box
    ink, ground = (PAPER, INK) if filled else (INK, PAPER)
    if filled:
        canvas.box(x + 1, y, wide - 2, high, INK)
        canvas.box(x, y + 1, wide, high - 2, INK)
    else:
        canvas.frame(x, y, wide, high, INK)
    left = x + (wide - width(TEXT, label)) // 2
    canvas.text(TEXT, label, left, y + (high - TEXT.ASCENT) // 2, ink, ground)
