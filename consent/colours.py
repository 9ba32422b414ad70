"""Colours as mail and style sheets write them, and whether people can read one on another (WCAG 2.2)."""

Colour = tuple[int, int, int]
READABLE = 4.5  # WCAG 2.2, 1.4.3: the least contrast of text of ordinary size
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_STEPS = 20


def parse(text: str) -> Colour:
    """Return the colour that *text*, ``#rrggbb``, names. Raises ValueError for another form."""
    if len(text) != 7 or not text.startswith("#"):
        raise ValueError("a colour is written #rrggbb")
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def written_on(ground: str) -> str:
    """Return white if it can be read on *ground*, else black, which then can: no colour is too near to both."""
    return "#ffffff" if contrast(_WHITE, parse(ground)) >= READABLE else "#000000"


def readable(colour: str, ground: str) -> str:
    """Return *colour*, or the nearest one on its way to black or white, whichever is far, that is readable there."""
    below = parse(ground)
    end = max(_BLACK, _WHITE, key=lambda far: contrast(far, below))
    mixed = (_mix(parse(colour), end, step / _STEPS) for step in range(_STEPS + 1))
    return _text(next((one for one in mixed if contrast(one, below) >= READABLE), end))


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _text(colour: Colour) -> str:
    return f"#{bytes(colour).hex()}"


def _luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
