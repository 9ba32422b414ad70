"""What a message says: its subject, promotions where there may be none, two texts that agree, links that do not lie."""

import re
from collections.abc import Iterator, Sequence

from consent.law.findings import Finding, found
from consent.law.likeness import LIKE, fingerprint, likeness
from consent.law.places import law_of
from consent.law.views import View, host, within

#: Kinds whose message may hold nothing but what it is about ("solely", CASL s. 6(6); SOR/2012-36 s. 4 for the first).
SOLELY = frozenset({"confirmation", "receipt", "quote", "recall", "account_notice", "reply", "legal_notice"})
_PROMOTES = re.compile(
    r"\b(shop|buy|order) (it )?(now|today|again)\b|\b\d{1,2} ?% off\b|\buse (the |promo |coupon |discount )?code\b"
    r"|\b(limited[- ]time|special|exclusive) (offer|deal|price|discount)s?\b"
    r"|\byou (may|might) (also )?(like|love|enjoy)\b"
    r"|\brecommended for you\b|\bsave (up to )?[$€£]? ?\d|\bsales? ends?\b|\b(on|off) your next (order|purchase)\b"
    r"|\bnew arrivals\b|\bfree shipping on\b|\bcustomers also bought\b|\brefer a friend\b"
    r"|\bdon['’]t miss (out|our|this)\b"
    r"|\b(achetez|magasinez|commandez) (maintenant|d[eè]s|aujourd)|\b\d{1,2} ?% de (rabais|r[ée]duction|remise)\b"
    r"|\butilisez le code\b|\boffres? (sp[ée]ciales?|exclusives?|d['’]une dur[ée]e limit[ée]e|[àa] dur[ée]e limit[ée]e)"
    r"|\bvous (pourriez|aimerez|aimeriez) (aussi|[ée]galement)|\brecommand[ée]\w* pour vous\b|\b[ée]conomisez\b"
    r"|\bsur votre prochaine? (commande|achat)\b|\blivraison gratuite (sur|d[èe]s)\b|\bprofitez d|\bne manquez pas\b",
    re.I,
)
_TRANSACTION = re.compile(
    r"\b(your (receipt|invoice|order|payment)|order (confirmation|#)|invoice|receipt for|security alert"
    r"|account (suspended|locked|alert)|votre (facture|re[çc]u|commande)|confirmation de commande"
    r"|compte (suspendu|bloqu[ée])|alerte de s[ée]curit[ée])\b",
    re.I,
)
_ANSWERS = re.compile(r"\s*(re|fwd?|tr|rép)\s*:", re.I)
_ADVERTISES = re.compile(r"\badvert|\bpromotion|\bpublicit|\bannonce", re.I)
_UNFILLED = re.compile(
    r"\{\{[^{}\n]{0,60}\}\}|\{%[^{}\n]{0,60}%\}|\*\|[A-Z0-9_:]{1,40}\|\*|%%[\w ]{1,40}%%|\[\[[\w .]{1,40}\]\]"
    r"|\$\{\w{1,40}\}|%recipient[._]\w{1,40}%"
)
_ADDRESS_IN_WORDS = re.compile(r"\s*(?:https?://)?((?:[\w-]{1,63}\.)+[a-z]{2,24})(?:[/?#:]\S*)?\s*", re.I)
_NUMBER = re.compile(r"\d{1,3}(\.\d{1,3}){3}|\d{6,}|0x[0-9a-f]+|\[.*\]", re.I)
_FEW_WORDS = 25  # beside an image
_ENOUGH = 10  # words from which two texts can be compared
_AGREE = 0.5  # so much of the shorter text must be in the other
_MOST_NAMED = 5  # findings of one sort about links


def check(view: View, earlier: Sequence[str]) -> Iterator[Finding]:
    """Yield what is wrong with the words of *view*; *earlier* are fingerprints of messages of the topic."""
    for defect in sorted(view.message.defects):
        yield found("malformed" if defect == "headless" else f"malformed.{defect}")
    if view.about.kind == "unsubscribe_ack":
        yield found("kind_never")
    yield from subject(view)
    yield from promotions(view)
    yield from texts(view)
    yield from links(view)
    yield from unfilled(view)
    yield from repeats(view, earlier)


def subject(view: View) -> Iterator[Finding]:
    """Yield a subject that is missing or misleads: 15 USC 7704(a)(2), Competition Act s. 74.011 (not verified)."""
    line = view.message.header("subject").strip()
    if not line:
        yield found("subject")
    if _ANSWERS.match(line) and not (view.message.all("in-reply-to") or view.message.all("references")):
        yield found("subject.reply", subject=line)
    if view.about.kind == "commercial" and _TRANSACTION.search(line):
        yield found("subject.transaction", subject=line)
    letters = [char for char in line if char.isalpha()]
    shouts = len(letters) >= 10 and sum(char.isupper() for char in letters) > 0.7 * len(letters)
    if shouts or "!!" in line or "??" in line:
        yield found("subject.shouts", subject=line)


def promotions(view: View) -> Iterator[Finding]:
    """Yield a promotion in a message that may only be about a transaction: CASL s. 6(6), 16 CFR 316.3(a)(2)."""
    kind, american = view.about.kind, law_of(view.about.place) == "us"
    if kind not in SOLELY:
        if (
            kind == "commercial"
            and american
            and not _ADVERTISES.search(f"{view.message.header('subject')} {view.shown}")
        ):
            yield found("advertisement")
        return
    if match := _PROMOTES.search(view.message.header("subject")):
        yield found("promotion_in_receipt.subject", kind=kind, words=match[0])
    match = _PROMOTES.search(view.shown) or _PROMOTES.search(view.plain or "")
    if match:
        after = american and match.start() > len(view.shown) // 4  # the transactional part comes first
        yield found("promotion_in_receipt.after" if after else "promotion_in_receipt", kind=kind, words=match[0])


def texts(view: View) -> Iterator[Finding]:
    """Yield that a text is missing, says something else than the HTML, or is an image (RFC 2046 s. 5.1.4)."""
    if not view.words and not view.plain_words and not (view.page and view.page.images):
        yield found("text_part.empty")
        return
    if view.page and not view.plain_words:
        yield found("text_part")
    if view.page and view.page.images and len(view.words) < _FEW_WORDS:
        yield found("image_only", count=str(len(view.words)))
    if view.page and view.plain_words:
        share = _shared(_said(view.shown), _said(view.plain or ""))
        if share < _AGREE:
            yield found("text_matches_html", percent=str(round(100 * share)))


def links(view: View) -> Iterator[Finding]:
    """Yield links that show one address and lead to another, and links to bare numbers."""
    lies = [(match[1].lower(), host(link.href)) for link in view.links if view.page
            and (match := _ADDRESS_IN_WORDS.fullmatch(link.text)) and host(link.href)]  # fmt: skip
    for shown, name in dict.fromkeys(pair for pair in lies if not _same(*pair)) if lies else ():
        yield found("link_text_lies", shown=shown, host=name)
    hosts = dict.fromkeys(host(link.href) for link in [*view.links, *view.plain_links])
    for name in [name for name in hosts if _NUMBER.fullmatch(name)][:_MOST_NAMED]:
        yield found("link_number", host=name)


def unfilled(view: View) -> Iterator[Finding]:
    """Yield fields of a template that were not filled in."""
    addresses = " ".join(link.href for link in view.links)
    for text in (view.message.header("subject"), view.shown, view.plain or "", addresses):
        if match := _UNFILLED.search(text):
            yield found("unfilled", field=match[0])
            return


def repeats(view: View, earlier: Sequence[str]) -> Iterator[Finding]:
    """Yield that the message says nearly what an earlier one said; once, for the most alike."""
    mine = fingerprint(view) if earlier else ""
    alike = max((likeness(mine, other) for other in earlier), default=0.0)
    if alike >= LIKE:
        yield found("repeats_earlier", percent=str(round(100 * alike)))


def _same(shown: str, name: str) -> bool:
    shown, name = shown.removeprefix("www."), name.removeprefix("www.")
    return within(shown, name) or within(name, shown)


def _said(text: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub(r"https?://\S+", " ", text).lower()))


def _shared(one: set[str], other: set[str]) -> float:
    """Return how much of the larger of two sets of words is in both, or 1 if there are too few to tell."""
    most = max(len(one), len(other))
    return len(one & other) / most if most >= _ENOUGH else 1.0
