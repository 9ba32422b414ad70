"""Ask DNS what the judges need to know, and nothing else: the only file here that knows a resolver."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Protocol

import dns.exception
import dns.resolver

from consent.mail.domain import dkim, dmarc, hosts, spf
from consent.mail.domain.findings import Answer, Ask, Finding

_SECONDS = 5.0
_MOST_INCLUDES = 2 * spf.MOST_LOOKUPS


class Resolver(Protocol):
    """What we use of dnspython's resolver."""

    def resolve(self, qname: str, rdtype: str, *, search: bool, lifetime: float) -> Iterable[Any]:
        """Return the records, or raise one of dnspython's exceptions."""
        ...


class NoResolver(Exception):
    """No name server is set on this host. The message says what to do."""


def system_resolver() -> Resolver:
    """Return what asks the name servers of this host; NoResolver if it names none."""
    try:
        return dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        raise NoResolver("No name server is set on this host: write one into /etc/resolv.conf.") from None


def asking(resolver: Resolver) -> Ask:
    """Return what asks *resolver* each question once, waits five seconds at most, and raises nothing."""

    @cache
    def ask(name: str, kind: str) -> Answer:
        try:
            found = resolver.resolve(name, kind, search=False, lifetime=_SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Answer()
        except dns.exception.Timeout:
            return Answer(trouble=f"no name server answered for {name} {kind} within {_SECONDS:.0f} seconds")
        except dns.resolver.NoNameservers:
            return Answer(trouble=f"the name servers failed for {name} {kind} (SERVFAIL or REFUSED)")
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            return Answer(trouble=f"{name} {kind} could not be asked ({type(error).__name__})")
        return Answer(tuple(_text(record) for record in found))

    return ask


def _text(record: Any) -> str:
    """Return a record as text; the strings of a TXT record belong together without a space (RFC 7208 s. 3.3)."""
    if hasattr(record, "strings"):
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.to_text())


def about_domain(ask: Ask, domain: str, envelope: str, selectors: Iterable[str]) -> Iterator[Finding]:
    """Yield everything that there is to say about the From *domain* of mail whose envelope sender is in *envelope*."""
    domain, envelope = domain.lower(), envelope.lower()
    yield from spf.judge(envelope, _spf(ask, envelope))
    keys = {name: ask(dkim.name_of(name, domain), "TXT") for name in selectors}
    has_one = any(answer.records for answer in keys.values())
    for name, answer in keys.items():
        yield from dkim.judge(name, domain, answer, has_one)
    if not keys:
        yield dkim.no_selector(domain)
    yield from _dmarc(ask, domain, envelope)
    mail = ask(domain, "MX")
    named = [] if mail.trouble else hosts.exchangers(mail) or [domain]
    addresses = {host: _addresses(ask, host) for host in named if host}
    yield from hosts.judge_mx(domain, mail, addresses)


def about_links(ask: Ask, host: str) -> list[Finding]:
    """Return what there is to say about the host that links in mail begin with."""
    return hosts.judge_link_host(host, _addresses(ask, host))


def _addresses(ask: Ask, host: str) -> tuple[Answer, Answer]:
    return ask(host, "A"), ask(host, "AAAA")


def _spf(ask: Ask, domain: str) -> dict[str, Answer]:
    """Return the TXT records of *domain* and of all that its SPF record leads to, but for an endless chain."""
    said: dict[str, Answer] = {}
    waiting = [domain]
    while waiting and len(said) <= _MOST_INCLUDES:
        name = waiting.pop(0)
        if name not in said:
            said[name] = ask(name, "TXT")
            waiting += [target for record in spf.records(said[name]) for target in spf.leads_to(record)]
    return said


def _dmarc(ask: Ask, domain: str, envelope: str) -> list[Finding]:
    said: dict[str, Answer] = {}
    for name in dmarc.above(domain):
        said[name] = ask(f"_dmarc.{name}", "TXT")
        if said[name].trouble or dmarc.records(said[name]):
            break
    at = dmarc.speaker(domain, said)
    agreed = {}
    if at:
        outsiders = dmarc.outsiders(at, dmarc.records(said[at])[0])
        agreed = {other: ask(dmarc.permission(at, other), "TXT") for other in outsiders}
    return dmarc.judge(domain, envelope, said, agreed)
