"""From HTML to what a reader sees: the text, the links with their words, and what was hidden.

Not a browser: inline styles and attributes, which is what mail is laid out with, and of style sheets what hides the
elements of a class, an id or a tag. Each tag ends before the next
``<``, so that the time is proportional to the length whatever the text; at most DEEPEST elements count as open.
"""

import html
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from consent.colours import Colour, contrast

DEEPEST = 100
SMALL = 9.0  # pixels below which a line is not "clearly and prominently" set out
_LEAST_CONTRAST = 2.0  # WCAG asks for 4.5; below this words are as good as hidden
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[/a-zA-Z!?](?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+>|<[/a-zA-Z!?][^<>]*>", re.DOTALL
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_ATTRIBUTE = re.compile(r"""([^\s=/>"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
_DECLARATION = re.compile(r"([\w-]+)\s*:\s*([^;]+)")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_AT_RULE = re.compile(r"@[^{};@]*(?:;|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})")  # what holds for some readers only
_SHEET, _DECLARATIONS = 50_000, 500  # characters of a style sheet, and of one rule in it, that are looked at
_SELECTOR = re.compile(r"[a-z][a-z0-9]*|(?:[a-z][a-z0-9]*)?[.#][\w-]+", re.I)
_RAW = {tag: re.compile(rf"</{tag}\b[^<>]*>", re.I) for tag in ("style", "script", "title", "textarea", "noframes")}
_VOID = frozenset(re.findall(r"\w+", "area base br col embed hr img input link meta source track wbr"))
_BLOCKS = frozenset(
    re.findall(r"\w+", "p div tr table li ul ol h1 h2 h3 h4 h5 h6 br hr blockquote section header footer center")
)
_NAMED = {"white": "#fff", "black": "#000", "silver": "#c0c0c0", "gray": "#808080", "grey": "#808080",
          "lightgray": "#d3d3d3", "lightgrey": "#d3d3d3", "red": "#f00", "blue": "#00f"}  # fmt: skip

_WHITE, _BLACK, _BLUE = (255, 255, 255), (0, 0, 0), (0, 0, 238)


@dataclass
class Link:
    """One ``<a href>``: the words on it that are seen, and those that are not."""

    href: str
    text: str = ""
    hidden_text: str = ""
    images: int = 0
    small: bool = False

    @property
    def hidden(self) -> bool:
        """Whether nothing of it is seen."""
        return not self.text.strip() and not self.images


@dataclass
class Page:
    """What a reader sees of an HTML text; *language* is what ``<html lang>`` says."""

    pieces: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    images: int = 0
    alternatives: list[str] = field(default_factory=list)
    language: str = ""

    @property
    def text(self) -> str:
        """The words that are seen, without those that stand for images."""
        return re.sub(r"[ \t\r\f\v]+", " ", "".join(self.pieces))


@dataclass(frozen=True)
class _Look:
    """How an element looks, with what it inherits."""

    hidden: bool = False
    size: float = 16.0
    colour: Colour = _BLACK
    ground: Colour = _WHITE
    link: Link | None = None

    @property
    def seen(self) -> bool:
        return not self.hidden and self.size > 2 and contrast(self.colour, self.ground) >= _LEAST_CONTRAST


def read(text: str) -> Page:
    """Return what a reader sees of *text*. Never raises; time is proportional to the length."""
    page, stack, at, hiding = Page(), [("", _Look())], 0, set[str]()
    while match := _TOKEN.search(text, at):
        _say(page, stack[-1][1], text[at : match.start()])
        at = match.end()
        tag = _TAG.match(match[0])
        if tag is None:
            continue
        name = tag[2].lower()
        if tag[1]:
            _close(stack, name, page)
        elif name in _RAW:
            begun, at = at, end.end() if (end := _RAW[name].search(text, at)) else len(text)
            if name == "style":
                hiding |= _hiding(text[begun:at])
        else:
            _open(stack, name, _attributes(match[0][tag.end() : -1]), page, hiding)
    _say(page, stack[-1][1], text[at:])
    return page


def _say(page: Page, look: _Look, raw: str) -> None:
    if not raw:
        return
    text = html.unescape(raw).replace("\xa0", " ")
    seen = look.seen
    if seen:
        page.pieces.append(text)
    if look.link and seen:
        look.link.text += text if len(look.link.text) < 1000 else ""
        look.link.small = look.link.small or (look.size < SMALL and bool(text.strip()))
    elif look.link:
        look.link.hidden_text += text if len(look.link.hidden_text) < 1000 else ""


def _close(stack: list[tuple[str, _Look]], name: str, page: Page) -> None:
    if name in _BLOCKS or name in ("td", "th"):
        page.pieces.append("\n" if name in _BLOCKS else " ")
    for depth in range(len(stack) - 1, 0, -1):
        if stack[depth][0] == name:
            del stack[depth:]
            return


def _hiding(sheet: str) -> set[str]:
    """Return which simple selectors (``a``, ``.x``, ``a.x``, ``#x``) hide what they name, in every mailbox alike."""
    plain = _AT_RULE.sub("", _COMMENT.sub("", sheet[:_SHEET].replace("<!--", "").replace("-->", "")))
    rules = (rule.rpartition("{") for rule in plain.split("}"))
    hiding = [named for named, _, declared in rules if _hides(_declared(declared[:_DECLARATIONS]))]
    found = {selector.strip() for named in hiding for selector in named.split(",")}
    return {selector for selector in found if _SELECTOR.fullmatch(selector)}


def _hidden_by(hiding: AbstractSet[str], name: str, given: Mapping[str, str]) -> bool:
    marks = [f".{one}" for one in given.get("class", "").split()] + ([f"#{given['id']}"] if given.get("id") else [])
    return not hiding.isdisjoint([name, *marks, *(name + mark for mark in marks)])


def _open(
    stack: list[tuple[str, _Look]], name: str, given: Mapping[str, str], page: Page, hiding: AbstractSet[str]
) -> None:
    if name in _BLOCKS:
        page.pieces.append("\n")
    if name == "html":
        page.language = page.language or given.get("lang", "")[:2].lower()
    look = _look(stack[-1][1], given, name)
    if hiding and not look.hidden and _hidden_by(hiding, name, given):
        look = replace(look, hidden=True)
    if name == "a" and "href" in given:
        link = Link(html.unescape(given["href"]).strip())
        page.links.append(link)
        look = replace(look, link=link)
    if name == "img":
        _image(page, look, given)
    if name not in _VOID and len(stack) < DEEPEST:
        stack.append((name, look))


def _image(page: Page, look: _Look, given: Mapping[str, str]) -> None:
    if look.hidden or given.get("width") in ("0", "1") or given.get("height") in ("0", "1"):
        return
    page.images += 1
    page.alternatives.append(html.unescape(given.get("alt", "")))
    if look.link:
        look.link.images += 1


def _attributes(inside: str) -> dict[str, str]:
    return {m[1].lower(): m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(inside)}


def _look(parent: _Look, given: Mapping[str, str], name: str) -> _Look:
    """Return how an element looks: what it inherits, changed by its attributes and its inline style."""
    css = _declared(given.get("style", ""))
    ground = _colour(css.get("background-color") or css.get("background") or given.get("bgcolor", ""))
    colour = _colour(css.get("color") or given.get("color", ""))
    if name == "a" and colour is None and css.get("color") != "inherit" and "href" in given:
        colour = _BLUE if ground is None and contrast(_BLUE, parent.ground) >= _LEAST_CONTRAST else None
    if not css and ground is None and colour is None and "hidden" not in given:
        return parent
    return replace(
        parent,
        hidden=parent.hidden or "hidden" in given or _hides(css),
        size=_size(css.get("font-size", ""), parent.size),
        colour=colour or parent.colour,
        ground=ground or parent.ground,
    )


def _declared(style: str) -> dict[str, str]:
    return {m[1].lower(): m[2].strip().lower() for m in _DECLARATION.finditer(style)}


def _hides(css: Mapping[str, str]) -> bool:
    flat = css.get("overflow") == "hidden" and any(
        _zero(css.get(side, "")) for side in ("max-height", "height", "width")
    )
    away = any(css.get(side, "").startswith("-9") for side in ("text-indent", "left", "top", "margin-left"))
    gone = css.get("display", "").startswith("none") or css.get("visibility", "").startswith("hidden")
    return flat or away or gone or _zero(css.get("opacity", ""))


def _zero(value: str) -> bool:
    return re.fullmatch(r"0*\.?0+\s*(px|pt|em|%)?(\s*!important)?", value) is not None


def _size(value: str, inherited: float) -> float:
    """Return a font size in pixels; what is not understood is as large as what is around it."""
    match = re.match(r"(\d{0,4}\.?\d{1,4})\s*(px|pt|em|rem|%)?", value)
    if match is None:
        return inherited
    factor = {"pt": 4 / 3, "em": inherited, "rem": 16.0, "%": inherited / 100}.get(match[2] or "px", 1.0)
    return float(match[1]) * factor


def _colour(value: str) -> Colour | None:
    value = _NAMED.get(value.strip().lower(), value.strip().lower())
    if match := re.match(r"#([0-9a-f]{6}|[0-9a-f]{3})\b", value):
        digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if match := re.match(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", value):
        red, green, blue = (min(int(part), 255) for part in match.groups())
        return red, green, blue
    return None
