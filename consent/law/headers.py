"""What the header of a message must hold: a true sender, a date, and the fields by which one click unsubscribes."""

import re
from collections.abc import Iterator

from consent.law.findings import Finding, found
from consent.law.mime import decoded
from consent.law.views import View, host, within

ONE_CLICK = "List-Unsubscribe=One-Click"
_COVERED = ("List-Unsubscribe", "List-Unsubscribe-Post")
_ONCE = ("Sender", "Reply-To", "To", "Cc", "Message-ID", "Subject", "MIME-Version", "Content-Type", "List-Id")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_MAILBOX = re.compile(r"<([^<>\s@]{1,256}@[^<>\s@]{1,256})>|([^\s<>,;:\"()@]{1,256}@[^\s<>,;:\"()@]{1,256})")
_IN_NAME = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_DATE = re.compile(
    r"([A-Z][a-z]{2},\s*)?\d{1,2}\s+(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+\d{4}\s+\d{2}:\d{2}(:\d{2})?\s+"
    r"([+-]\d{4}|[A-Z]{1,5})(\s*\([^()]*\))?"
)
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+\.[^<>@\s]+>")
_LINKS = re.compile(r"<[^<>\s]+>(\s*(\([^()]*\))?\s*,\s*<[^<>\s]+>)*\s*(\([^()]*\))?")
_TAG = re.compile(r"(?:^|;)\s*([a-z]{1,10})\s*=([^;]*)")


def check(view: View) -> Iterator[Finding]:
    """Yield what is wrong with the header of *view*."""
    yield from sender(view)
    yield from reply_to(view)
    yield from origin(view)
    if view.about.commercial or view.message.all("list-unsubscribe"):
        yield from one_click(view)
        yield from signatures(view)
    if view.about.commercial:
        yield from list_id(view)


def mailboxes(value: str) -> list[tuple[str, str]]:
    """Return the display name and the address of each mailbox in the field *value* (RFC 5322 s. 3.4)."""
    bare = _QUOTED.sub(lambda quoted: quoted[0].replace("@", " ").replace(",", " "), value)
    found, at = [], 0
    for match in _MAILBOX.finditer(bare):
        found.append((decoded(value[at : match.start()]).strip(' ,\t"'), match[1] or match[2]))
        at = match.end()
    return found


def sender(view: View) -> Iterator[Finding]:
    """Yield what is not true about From: 15 USC 7704(a)(1), also for mail that is not commercial."""
    fields, domain = view.message.all("from"), view.about.domain
    senders = mailboxes(fields[0]) if len(fields) == 1 else []
    if len(senders) != 1:
        yield found("from_truth.missing", domain=domain)
        return
    name, address = senders[0]
    if not within(address.rpartition("@")[2].lower(), domain.lower()):
        yield found("from_truth", address=address, domain=domain)
    for other in _IN_NAME.findall(name):
        if other.lower() != address.lower():
            yield found("from_truth.name", address=other)


def reply_to(view: View) -> Iterator[Finding]:
    """Yield Reply-To addresses that lead elsewhere than to the brand."""
    for value in view.message.all("reply-to")[:1]:
        replies = mailboxes(value)
        if not replies:
            yield found("reply_to.unread")
        contacts = {contact.lower() for contact in view.about.contacts}
        for _, address in replies:
            if not within(address.rpartition("@")[2].lower(), view.about.domain) and address.lower() not in contacts:
                yield found("reply_to", address=address, domain=view.about.domain)


def origin(view: View) -> Iterator[Finding]:
    """Yield what is missing of Date and Message-ID, and fields that stand twice (RFC 5322 s. 3.6)."""
    dates, ids = view.message.all("date"), view.message.all("message-id")
    if len(dates) != 1 or not _DATE.fullmatch(" ".join(dates[0].split())):
        yield found("date_missing")
    if not ids or not _MESSAGE_ID.fullmatch(ids[0]):
        yield found("message_id_missing", domain=view.about.domain)
    for name in _ONCE:
        if (count := len(view.message.all(name.lower()))) > 1:
            yield found("header_twice", name=name, count=str(count))


def one_click(view: View) -> Iterator[Finding]:
    """Yield what keeps a mailbox from offering one click: RFC 8058 s. 3.1, RFC 2369 ss. 2 and 3."""
    for name in _COVERED:
        values = view.message.all(name.lower())
        if any("=?" in value for value in values):
            yield found("list_unsubscribe.encoded", name=name)
        if len(values) > 1:
            yield found("list_unsubscribe.twice", name=name, count=str(len(values)))
    yield from _links(view)
    posts = view.message.all("list-unsubscribe-post")
    if not posts:
        yield found("list_unsubscribe_post")
    elif posts[0] != ONE_CLICK:
        yield found("list_unsubscribe_post.value", value=posts[0])


def _links(view: View) -> Iterator[Finding]:
    values = view.message.all("list-unsubscribe")
    if not values:
        yield found("list_unsubscribe")
        return
    if not _LINKS.fullmatch(values[0]):
        yield found("list_unsubscribe.form", value=values[0])
    secure = [url for url in view.list_urls if url.lower().startswith("https://") and host(url)]
    plain = [url for url in view.list_urls if url.lower().startswith("http://")]
    if len(secure) != len(values) or plain:
        yield found("list_unsubscribe.https", value=values[0] or "-")
    for url in secure:
        if not view.ours(url):
            yield found("list_unsubscribe.elsewhere", host=host(url), prefix=view.about.unsubscribe)


def signatures(view: View) -> Iterator[Finding]:
    """Yield what DKIM signatures leave uncovered: RFC 8058 s. 4 asks that one covers both fields."""
    signed = [dict(_TAG.findall(value)) for value in view.message.all("dkim-signature")]
    if not signed:
        yield found("dkim_coverage.unsigned")
        return
    open_ = [_uncovered(tags.get("h", "")) for tags in signed]
    if all(open_):
        yield found("dkim_coverage", missing=", ".join(sorted(open_, key=len)[0]))
    signers = [tags.get("d", "").strip().lower() for tags in signed]
    if not any(signer and within(view.about.domain, signer) for signer in signers):
        yield found("dkim_coverage.domain", signer=", ".join(signers), domain=view.about.domain)


def _uncovered(names: str) -> list[str]:
    covered = {name.strip().lower() for name in names.split(":")}
    return [name for name in _COVERED if name.lower() not in covered]


def list_id(view: View) -> Iterator[Finding]:
    """Yield a List-Id that is missing or another list's (RFC 2919; Google)."""
    values, expected = view.message.all("list-id"), view.about.list_id
    if not values:
        yield found("list_id", expected=expected)
    elif expected and re.findall(r"<[^<>]*>\Z", values[0]) != [expected]:
        yield found("list_id.form", value=values[0], expected=expected)
