"""From bytes to a message: its header fields, its text and its HTML. Never raises, whatever the bytes.

The standard library's reader calls itself once for each nested multipart and keeps every attachment. This one looks at
LARGEST bytes, DEEPEST levels and MOST_PARTS parts, so that its work is bounded; what it passed over, and what was
wrong, it names among the defects.
"""

import binascii
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

LARGEST = 2 * 1024 * 1024  # bytes looked at: text stands before attachments
DEEPEST = 20  # levels of multipart; a newsletter has three
MOST_PARTS = 200
MOST_FIELDS = 500
_LONGEST_VALUE = 16_384  # characters of a header field that are read
_LONGEST_TEXT = 512 * 1024  # characters of text, and of HTML, that are read
_NAME = re.compile(r"[!-9;-~]+")
_TYPE = re.compile(r"\s*([\w.+-]{1,100}/[\w.+-]{1,100})")
_PARAMETER = re.compile(r';\s*([\w*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))')
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bqBQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")  # RFC 2047 s. 6.2: white space between encoded words is not shown
#: Character sets that are read. Python knows codecs that are none, and some that take a time squared in the length.
_CHARSET = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-12\d\d|cp12\d\d|koi8-[ru]|utf-?16([bl]e)?|"
    r"gb2312|gbk|gb18030|big5|shift[_-]jis|iso-2022-jp|euc-(jp|kr)|macintosh",
    re.I,
)


@dataclass(frozen=True)
class Message:
    """What a message carries: header fields unfolded, in their order; *text* and *html* are None if there is none.

    *type* is the outermost content type, *images* and *attachments* count the parts of that sort, *encodings* are the
    transfer encodings of the text parts, *defects* says what was wrong: a key of the findings ``malformed.…``.
    """

    fields: tuple[tuple[str, str], ...]
    type: str = "text/plain"
    text: str | None = None
    html: str | None = None
    images: int = 0
    attachments: int = 0
    encodings: frozenset[str] = frozenset()
    defects: frozenset[str] = frozenset()

    def all(self, name: str) -> list[str]:
        """Return the values of every field called *name* (in lower case), as they stand, without outer space."""
        return [value.strip() for known, value in self.fields if known.lower() == name]

    def header(self, name: str) -> str:
        """Return the first field called *name* (in lower case) as people read it (RFC 2047); empty if there is none."""
        found = self.all(name)
        return decoded(found[0]) if found else ""


@dataclass
class _Found:
    """What the walk through the parts has collected."""

    texts: dict[str, list[str]] = field(default_factory=lambda: {"text/plain": [], "text/html": []})
    parts: int = 0
    images: int = 0
    attachments: int = 0
    encodings: set[str] = field(default_factory=set)
    defects: set[str] = field(default_factory=set)

    def joined(self, kind: str) -> str | None:
        """Return what was found of *kind* as one text, or None."""
        return "\n".join(self.texts[kind])[:_LONGEST_TEXT] if self.texts[kind] else None


def parse(raw: bytes) -> Message:
    """Return what *raw*, a message by RFC 5322 and RFC 2045, carries. Never raises; work is bounded, see above."""
    found = _Found()
    if len(raw) > LARGEST:
        found.defects.add("cut")
    block = raw[:LARGEST].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    head, body = _split(block)
    fields = _fields(head, found.defects)
    if not fields:
        found.defects.add("headless")
    kind = _walk(fields, body, 0, found)
    return Message(
        fields=fields,
        type=kind,
        text=found.joined("text/plain"),
        html=found.joined("text/html"),
        images=found.images,
        attachments=found.attachments,
        encodings=frozenset(found.encodings),
        defects=frozenset(found.defects),
    )


def decoded(value: str) -> str:
    """Return *value* with its encoded words (RFC 2047) read; what cannot be read stays as it is."""
    return _ENCODED_WORD.sub(_word, _BETWEEN_WORDS.sub(r"\1", value))


def words(text: str) -> list[str]:
    """Return the words of *text* without case and accents, so that spelling does not matter in a comparison."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.findall(r"\w+", "".join(char for char in plain if not unicodedata.combining(char)))


def _word(found: re.Match[str]) -> str:
    charset, encoding, text = found.groups()
    try:
        data = text.encode("ascii")
        data = binascii.a2b_qp(data, header=True) if encoding in "qQ" else binascii.a2b_base64(data)
    except ValueError:  # of which binascii.Error is one
        return found[0]
    return _read(data, charset.partition("*")[0], set())


def _split(block: bytes) -> tuple[bytes, bytes]:
    if block.startswith(b"\n"):
        return b"", block[1:]
    head, _, body = block.partition(b"\n\n")
    return head, body


def _fields(head: bytes, defects: set[str]) -> tuple[tuple[str, str], ...]:
    """Return the header fields of *head*, unfolded (RFC 5322 s. 2.2.3)."""
    found: list[tuple[str, list[str]]] = []
    for line in _readable(head[: MOST_FIELDS * 998], defects).split("\n")[: MOST_FIELDS * 4]:
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and found:
            found[-1][1].append(line)
        elif colon and _NAME.fullmatch(name.rstrip()):
            found.append((name.rstrip(), [value]))
        elif line and not line.startswith("From "):  # the first line of a mailbox file is no field
            defects.add("field")
    if len(found) > MOST_FIELDS:
        defects.add("fields")
    return tuple((name, "".join(values)[:_LONGEST_VALUE]) for name, values in found[:MOST_FIELDS])


def _readable(data: bytes, defects: set[str]) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        defects.add("eight_bit")
        return data.decode("latin-1")


def _value(fields: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for known, value in fields if known.lower() == name), "")


def _walk(fields: tuple[tuple[str, str], ...], body: bytes, depth: int, found: _Found) -> str:
    """Collect what *body* holds, and return its content type; a multipart is walked part by part."""
    found.parts += 1
    content = _value(fields, "content-type")
    kind = match[1].lower() if (match := _TYPE.match(content)) else "text/plain"
    if not kind.startswith("multipart/"):
        _leaf(fields, kind, body, found)
        return kind
    boundary = dict(_parameters(content)).get("boundary", "")
    if depth >= DEEPEST:
        found.defects.add("nested")
        return kind
    for part in _parts(body, boundary[:200], found.defects):
        if found.parts >= MOST_PARTS:
            found.defects.add("nested")
            break
        head, inner = _split(part)
        _walk(_fields(head, found.defects), inner, depth + 1, found)
    return kind


def _parameters(content: str) -> Iterator[tuple[str, str]]:
    for match in _PARAMETER.finditer(content[:2000]):
        yield match[1].lower(), re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]


def _parts(body: bytes, boundary: str, defects: set[str]) -> Iterator[bytes]:
    """Yield the parts between the lines ``--boundary`` (RFC 2046 s. 5.1.1)."""
    line = re.compile(rb"^--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*$", re.M)
    start = None
    for match in line.finditer(body) if boundary else ():
        if start is not None:
            yield body[start : max(start, match.start() - 1)]
        start = match.end() + 1
        if match[1]:
            return
    defects.add("unclosed" if start is not None else "no_parts")
    if start is not None:
        yield body[start:]


def _leaf(fields: tuple[tuple[str, str], ...], kind: str, body: bytes, found: _Found) -> None:
    if kind.startswith("image/"):
        found.images += 1
    elif _value(fields, "content-disposition").strip().lower().startswith("attachment") or kind not in found.texts:
        found.attachments += 1
    else:
        encoding = _value(fields, "content-transfer-encoding").strip().lower() or "7bit"
        found.encodings.add(encoding)
        charset = dict(_parameters(_value(fields, "content-type"))).get("charset", "")
        text = _read(_decode(body, encoding, found.defects), charset or "us-ascii", found.defects)
        found.texts[kind].append(text)


def _decode(body: bytes, encoding: str, defects: set[str]) -> bytes:
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        try:
            return binascii.a2b_base64(body)
        except binascii.Error:
            defects.add("encoding")
            clean = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            return binascii.a2b_base64(clean[: len(clean) // 4 * 4])
    if encoding == "7bit" and not body.isascii():
        defects.add("eight_bit")
    return body


def _read(data: bytes, charset: str, defects: set[str]) -> str:
    """Return *data* as text; a character set that is none, or lies, is a defect, and UTF-8 is tried instead."""
    known = _CHARSET.fullmatch(charset)
    if not known:
        defects.add("charset")
    try:
        return data.decode(charset if known else "utf-8")
    except (UnicodeDecodeError, LookupError):
        defects.add("charset")
        return data.decode("utf-8", "replace")
