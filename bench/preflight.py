"""Measure preflight of one ordinary message: ``python -m bench.preflight``. No database, no HTTP, no network.

*Ordinary* is a newsletter of forty articles, in text and HTML with inline styles; *small* one paragraph; *huge* is more
than 10 MB, of which the first 2 MB are looked at. Each is read, checked and fingerprinted.
"""

import statistics
import timeit
from functools import partial

from bench import report
from consent.law import likeness, message
from consent.law.message import About

ROUNDS = 20
LIMIT = 20.0  # milliseconds, for the ordinary one
_LINK = "https://consent.example.com/{}/" + "a" * 40
_ADDRESS = "100 Queen Street West, Toronto, Ontario  M5H 2N2, Canada"
ABOUT = About(
    "Acme", "Acme Widgets Inc.", _ADDRESS, ("+1 416 555 0100",), "acme.example",
    _LINK.format("u")[:-40], _LINK.format("p")[:-40], "<newsletter.acme.acme.example>",
)  # fmt: skip
_HEAD = (
    "From: Acme <news@acme.example>\nTo: anne@montreal.example\nSubject: Widgets for the garden\n"
    "Message-ID: <1@acme.example>\nDate: Mon, 23 Nov 2026 08:45:00 -0500\nList-Id: <newsletter.acme.acme.example>\n"
    "MIME-Version: 1.0\n"
    f"List-Unsubscribe: <{_LINK.format('u')}>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
    'Content-Type: multipart/alternative; boundary="b"\n\n'
)
_PART = "--b\nContent-Type: text/{}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{}\n"


def main() -> None:
    """Measure, print, write."""
    rows = []
    for name, raw in (("small", _message(1)), ("ordinary", _message(40)), ("huge", _message(11_000))):
        milliseconds = statistics.median(timeit.repeat(partial(_once, raw), number=1, repeat=ROUNDS)) * 1000
        met = "" if name != "ordinary" else "reached" if milliseconds <= LIMIT else "**missed**"
        limit = f"{LIMIT:.0f}" if name == "ordinary" else ""
        rows.append(f"| {name} | {len(raw) / 1000:,.0f} | {milliseconds:.1f} | {limit} | {met} |")
    head = [
        f"`python -m bench.preflight`, {report.machine()}, medians of {ROUNDS} rounds.",
        "",
        "| message | kB | ms | limit ms | |",
        "|---|---|---|---|---|",
    ]
    report.put("Preflight of one message", "\n".join([*head, *rows]))


def _once(raw: bytes) -> None:
    view = message.read(raw, ABOUT)
    message.check(view)
    likeness.fingerprint(view)


def _message(articles: int) -> bytes:
    words = [f"Article {n}: one that waters, one that counts the bees, one that tells when the peas are ripe. " * 4
             for n in range(articles)]  # fmt: skip
    footer = f"Acme, a name of Acme Widgets Inc.\n{_ADDRESS}\n+1 416 555 0100\n"
    text = "\n\n".join([*words, footer, f"Preferences: {_LINK.format('p')}", f"Unsubscribe: {_LINK.format('u')}"])
    cells = "".join(
        f'<tr><td style="padding:16px;color:#1b1f23;background-color:#ffffff;font-size:16px"><h2>{n}</h2><p>{said}</p>'
        f'<p><a href="https://acme.example/{n}" style="color:#0b5d51">Read on</a></p></td></tr>\n'
        for n, said in enumerate(words)
    )
    links = f'<a href="{_LINK.format("p")}">Preferences</a> <a href="{_LINK.format("u")}">Unsubscribe</a>'
    page = f'<html lang="en"><body><table>{cells}</table><p>{footer}</p><p>{links}</p></body></html>'
    return (_HEAD + _PART.format("plain", text) + _PART.format("html", page) + "--b--\n").encode()


if __name__ == "__main__":
    main()
