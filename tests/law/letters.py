"""Messages for preflight: one that carries everything, and ways to change it."""

from collections.abc import Mapping

from consent.law.message import About, Finding, check, read

UNSUBSCRIBE = "https://consent.example.com/u/" + "a" * 40
PREFERENCES = "https://consent.example.com/p/" + "a" * 40
ADDRESS = "100 Queen Street West, Toronto, Ontario  M5H 2N2, Canada"
ABOUT = About(
    brand="Acme",
    organization="Acme Widgets Inc.",
    address=ADDRESS,
    contacts=("+1 416 555 0100", "privacy@acme.example", "https://acme.example"),
    domain="acme.example",
    unsubscribe="https://consent.example.com/u/",
    preferences="https://consent.example.com/p/",
    list_id="<newsletter.acme.acme.example>",
)
HEADERS: Mapping[str, str] = {
    "From": "Acme <news@acme.example>",
    "To": "anne@montreal.example",
    "Subject": "Three widgets for the garden",
    "Date": "Mon, 23 Nov 2026 08:45:00 -0500",
    "Message-ID": "<1@acme.example>",
    "List-Id": "<newsletter.acme.acme.example>",
    "List-Unsubscribe": f"<{UNSUBSCRIBE}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "DKIM-Signature": "v=1; a=rsa-sha256; d=acme.example; s=a; h=From:To:Subject:Date:List-Unsubscribe:"
    "List-Unsubscribe-Post; bh=eA==; b=eA==",
    "MIME-Version": "1.0",
    "Content-Type": 'multipart/alternative; boundary="b"',
}
WORDS = (
    "Spring is far, and the garden is asleep under the snow. We have made three widgets for the day on which it wakes: "
    "one that waters, one that counts the bees, and one that tells you when the peas are ripe. Come and see them."
)
FOOTER = (
    f"Acme, a name of Acme Widgets Inc.\n{ADDRESS}\n+1 416 555 0100 | privacy@acme.example\n"
    f"Your preferences: {PREFERENCES}\nUnsubscribe from this: {UNSUBSCRIBE}\n"
)
TEXT = f"{WORDS}\n\n{FOOTER}"
HTML = (
    f'<html lang="en"><body><p>{WORDS}</p><p>Acme, a name of Acme Widgets Inc.<br>{ADDRESS}<br>'
    f'+1 416 555 0100 | privacy@acme.example</p><p><a href="{PREFERENCES}">Your preferences</a> '
    f'<a href="{UNSUBSCRIBE}">Unsubscribe from this</a></p></body></html>'
)


def letter(text: str | None = TEXT, html: str | None = HTML, **headers: str | None) -> bytes:
    """Return the good message, but with *text*, *html* (None: without) and *headers* (None: without; _ for -)."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = [f"{name}: {value}\r\n" for name, value in (HEADERS | given).items() if value is not None]
    parts = [(kind, part) for kind, part in (("plain", text), ("html", html)) if part is not None]
    body = "".join(
        f"--b\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{part}\r\n"
        for kind, part in parts
    )
    return f"{''.join(fields)}\r\n{body}--b--\r\n".encode("utf-8", "surrogateescape")


def found(raw: bytes, about: About = ABOUT, earlier: tuple[str, ...] = ()) -> list[Finding]:
    """Return what is wrong with *raw*."""
    return check(read(raw, about), earlier)


def keys(raw: bytes, about: About = ABOUT, earlier: tuple[str, ...] = ()) -> set[str]:
    """Return the keys of what is wrong with *raw*."""
    return {finding.key for finding in found(raw, about, earlier)}
