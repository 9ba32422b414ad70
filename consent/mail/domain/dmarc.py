"""DMARC: what receivers should do with mail that claims the domain and cannot prove it (RFC 7489).

The record is the TXT of ``_dmarc.<domain>``, or of the next domain above that has one:
``v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com``.
"""

from collections.abc import Mapping

from consent.mail.domain.findings import Answer, Finding, fault, publish, tags, unanswered, verdict

_POLICIES = ("none", "quarantine", "reject")


def above(domain: str) -> list[str]:
    """Return *domain* and those above it that may speak for it, nearest first; never a bare top-level domain."""
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))]


def records(answer: Answer) -> list[str]:
    """Return those TXT records that are DMARC's (RFC 7489 s. 6.6.3)."""
    return [text for text in answer.records if text.replace(" ", "").split(";")[0] == "v=DMARC1"]


def speaker(domain: str, said: Mapping[str, Answer]) -> str | None:
    """Return the domain whose record holds for *domain*, from what each ``_dmarc`` name *said*."""
    return next((name for name in above(domain) if records(said.get(name, Answer()))), None)


def outsiders(domain: str, record: str) -> list[str]:
    """Return the domains that reports go to and that must agree to get them (RFC 7489 s. 7.1)."""
    addresses = [uri.strip() for uri in (tags(record) or {}).get("rua", "").split(",")]
    hosts = {uri.rpartition("@")[2].partition("!")[0].lower() for uri in addresses if "@" in uri}
    return sorted(host for host in hosts if not _related(host, domain))


def permission(domain: str, outsider: str) -> str:
    """Return the name at which *outsider* agrees to get the reports about *domain* (RFC 7489 s. 7.1)."""
    return f"{domain}._report._dmarc.{outsider}"


def judge(domain: str, envelope: str, said: Mapping[str, Answer], agreed: Mapping[str, Answer]) -> list[Finding]:
    """Return what is wrong with the policy of *domain*, whose envelope senders are in *envelope*.

    *said* is by domain, *agreed* by the domain of an outsider that reports go to.
    """
    if trouble := [unanswered(answer) for answer in said.values() if answer.trouble]:
        return verdict("dmarc", domain, trouble, [], "")
    at = speaker(domain, said)
    if at is None:
        return fault("dmarc", domain, f"no DMARC record; {publish(f'_dmarc.{domain}', _first(domain))}")
    found = records(said[at])
    if len(found) > 1:
        return fault("dmarc", domain, f"{len(found)} records at _dmarc.{at}, and receivers use none: keep one.")
    return _policy(domain, envelope, at, found[0], agreed)


def _first(domain: str) -> str:
    return f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}"


def _policy(domain: str, envelope: str, at: str, record: str, agreed: Mapping[str, Answer]) -> list[Finding]:
    found = tags(record)
    policy = (found or {}).get("p", "").lower()
    if found is None or policy not in _POLICIES:
        text = f"{record!r} is not DMARC, p= must be none, quarantine or reject; {publish(f'_dmarc.{at}', _first(at))}"
        return fault("dmarc", domain, text)
    if at != domain:
        policy = found.get("sp", policy).lower()
    doubtful = [] if aligned(domain, envelope, found.get("aspf", "r"), at) else [_apart(domain, envelope)]
    doubtful += _reports(at, found, agreed)
    if policy == "none" and "rua" in found:  # first the reports, which say whom a stronger policy would hit
        doubtful.insert(0, _stronger(at, found, "p" if at == domain else "sp"))
    return verdict("dmarc", domain, [], doubtful, f"{record} (at _dmarc.{at}); From and envelope are aligned")


def aligned(domain: str, envelope: str, mode: str, at: str) -> bool:
    """Whether SPF speaks for the From *domain*: same domain, or in relaxed mode under one roof (RFC 7489 s. 3.1.2)."""
    if mode.lower() == "s":
        return domain == envelope
    return _related(domain, envelope) or envelope.endswith(f".{at}")


def _related(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _apart(domain: str, envelope: str) -> str:
    return f"the envelope sender is in {envelope}, so SPF does not speak for {domain}: only DKIM can."


def _stronger(at: str, found: Mapping[str, str], tag: str) -> str:
    """Return the next step after p=none, which is enough for the bulk rules of mailbox providers, and stops nobody."""
    text = "; ".join(f"{name}={value}" for name, value in (dict(found) | {tag: "quarantine"}).items())
    return (
        f"{tag}=none lets forgeries through; once the reports name only your servers, {publish(f'_dmarc.{at}', text)}"
    )


def _reports(at: str, found: Mapping[str, str], agreed: Mapping[str, Answer]) -> list[str]:
    rua = found.get("rua", "")
    if not rua:
        text = "; ".join(f"{name}={value}" for name, value in found.items()) + f"; rua=mailto:dmarc@{at}"
        return [f"nobody gets the reports; {publish(f'_dmarc.{at}', text)}"]
    if not all(uri.strip().lower().startswith("mailto:") and "@" in uri for uri in rua.split(",")):
        return [f"rua={rua} is not a list of mailto: addresses: correct it, or no reports come."]
    return [
        f"{outsider} has not agreed to get your reports; it must {publish(permission(at, outsider), 'v=DMARC1')}"
        for outsider, answer in agreed.items()
        if not answer.trouble and not records(answer)
    ]
