"""SPF: which servers may send with the domain in the envelope (RFC 7208).

A record is ``v=spf1`` and terms: a mechanism such as ``include:_spf.example.net`` or ``-all``, with a qualifier before
it, or a modifier such as ``redirect=example.net``. The functions take what DNS says about each domain that the record
leads to, by name.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from consent.mail.domain.findings import Answer, Finding, fault, publish, unanswered, verdict

MOST_LOOKUPS = 10  # RFC 7208 s. 4.6.4
_VERSION = re.compile(r"v=spf1(?= |$)", re.I)
_MECHANISM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:([:/])(\S+))?", re.I)
_MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(\S*)", re.I)
_ASKING = {"include", "a", "mx", "ptr", "exists", "redirect"}
_NETWORKS = {"ip4": IPv4Network, "ip6": IPv6Network}


class Term(NamedTuple):
    """One word of a record. *name* is empty if it is no word of SPF."""

    text: str
    qualifier: str
    name: str
    value: str


def records(answer: Answer) -> list[str]:
    """Return those TXT records that are SPF's (RFC 7208 s. 4.5)."""
    return [text for text in answer.records if _VERSION.match(text)]


def terms(record: str) -> list[Term]:
    """Return the words of *record* after its version."""
    return [_term(word) for word in record.split()[1:]]


def _term(word: str) -> Term:
    if found := _MECHANISM.fullmatch(word):
        qualifier, name, mark, value = found.groups("")
        return Term(word, qualifier or "+", name.lower(), value if mark == ":" else mark + value)
    if found := _MODIFIER.fullmatch(word):
        return Term(word, "", found[1].lower(), found[2])
    return Term(word, "", "", "")


def leads_to(record: str) -> list[str]:
    """Return the domains whose own records decide too: every include, and the redirect of a record without ``all``."""
    found = terms(record)
    ends = any(term.name == "all" for term in found)
    followed = {"include"} if ends else {"include", "redirect"}
    return list(dict.fromkeys(_plain(t.value) for t in found if t.name in followed and t.value and "%" not in t.value))


def _plain(domain: str) -> str:
    return domain.rstrip(".").lower()


def judge(domain: str, said: Mapping[str, Answer]) -> list[Finding]:
    """Return what is wrong with the SPF record of *domain*, and the record to publish."""
    own = records(said[domain])
    if said[domain].trouble:
        return fault("spf", domain, unanswered(said[domain]))
    if len(own) != 1:
        return fault("spf", domain, _several(domain, own) if own else _none(domain))
    wrong = _faults(domain, said, ())
    if (count := lookups(domain, said)) > MOST_LOOKUPS:
        wrong.append(_too_many(domain, count, said))
    if (end := _ending(domain, said)) == "+":
        wrong.append(f"+all lets the whole world send in your name; {_replace(domain, own[0])}")
    return verdict("spf", domain, wrong, _doubts(domain, own[0], end), f"{own[0]} ({count} of {MOST_LOOKUPS} lookups)")


def lookups(domain: str, said: Mapping[str, Answer], path: tuple[str, ...] = ()) -> int:
    """Return how many questions a receiver has to ask to evaluate the record of *domain* (RFC 7208 s. 4.6.4)."""
    own = records(said.get(domain, Answer()))
    if len(own) != 1 or domain in path:
        return 0
    asked = sum(term.name in _ASKING for term in terms(own[0]))
    return asked + sum(lookups(target, said, (*path, domain)) for target in leads_to(own[0]))


def _faults(domain: str, said: Mapping[str, Answer], path: tuple[str, ...]) -> list[str]:
    """Return what makes a receiver give up on the record of *domain*: a permanent error (RFC 7208 s. 2.6.7)."""
    answer = said.get(domain)
    if domain in path:
        return [f"{domain} includes itself; take that include out."]
    if answer is None:
        return []  # beyond the most lookups, which is said already
    if answer.trouble:
        return [f"{domain} is included, and {unanswered(answer)}"]
    own = records(answer)
    if len(own) != 1:
        return [f"{path[-1]} names {domain}, which has {len(own) or 'no'} SPF records: take it out, or correct it."]
    found = [f"{domain} holds {term.text!r}, which is not SPF: correct it." for term in terms(own[0]) if _bad(term)]
    for target in leads_to(own[0]):
        found += _faults(target, said, (*path, domain))
    return found


def _bad(term: Term) -> bool:
    if term.name in _NETWORKS:
        try:
            _NETWORKS[term.name](term.value, strict=False)
        except ValueError:
            return True
    needs_domain = term.name in ("include", "exists", "redirect")
    return not term.name or (needs_domain and not term.value.lstrip("/")) or (term.name == "all" and term.value != "")


def _ending(domain: str, said: Mapping[str, Answer]) -> str:
    """Return the qualifier of what matches everybody else, through redirects; empty if nothing does."""
    for _ in range(MOST_LOOKUPS):
        own = records(said.get(domain, Answer()))
        found = terms(own[0]) if own else []
        if ends := [term.qualifier for term in found if term.name == "all"]:
            return ends[0]
        if not (targets := [_plain(term.value) for term in found if term.name == "redirect"]):
            break
        domain = targets[0]
    return ""


def _doubts(domain: str, record: str, end: str) -> list[str]:
    found = []
    if end in ("", "?"):
        found.append(f"it says nothing about servers that it does not name; {_replace(domain, record)}")
    if any(term.qualifier for term in terms(record)[_ends_at(record) :]):
        found.append("what stands behind all is never read (RFC 7208 s. 5.1): put all last.")
    if any(term.name == "ptr" for term in terms(record)):
        found.append("ptr is slow, and many receivers skip it (RFC 7208 s. 5.5): name addresses with ip4: or ip6:.")
    return found


def _ends_at(record: str) -> int:
    """Return how many words are read: up to ``all``, or every one."""
    names = [term.name for term in terms(record)]
    return names.index("all") + 1 if "all" in names else len(names)


def _replace(domain: str, record: str) -> str:
    """Return the record that refuses others softly: DMARC decides what becomes of them."""
    kept = [term.text for term in terms(record) if term.name not in ("all", "redirect")]
    return publish(domain, " ".join(["v=spf1", *kept, "~all"]))


def _none(domain: str) -> str:
    return (
        f"no SPF record; {publish(domain, 'v=spf1 include:NAME ~all')} where your mail service tells you NAME; "
        "for a server of your own write ip4:ITS-ADDRESS instead of the include."
    )


def _several(domain: str, own: list[str]) -> str:
    """Say that one is too many (RFC 7208 s. 4.5), and what the one would be."""
    words = dict.fromkeys(term.text for record in own for term in terms(record) if term.name not in ("all", "redirect"))
    one = publish(domain, " ".join(["v=spf1", *words, "~all"]))
    return f"{len(own)} SPF records, and receivers then use none; delete them and {one}"


def _too_many(domain: str, count: int, said: Mapping[str, Answer]) -> str:
    costs = {target: 1 + lookups(target, said, (domain,)) for target in leads_to(records(said[domain])[0])}
    each = ", ".join(f"{target} {cost}" for target, cost in sorted(costs.items(), key=lambda item: -item[1]))
    return (
        f"{count} or more lookups, and receivers give up after {MOST_LOOKUPS}. Take out what you do not use, or write "
        f"ip4: for a and mx. They cost: {each or 'one each'}."
    )
