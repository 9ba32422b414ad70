"""Where mail to the domain goes, for replies and bounces, and where the links in mail lead."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from consent.mail.domain.findings import Answer, Finding, fault, unanswered, verdict


def exchangers(answer: Answer) -> list[str]:
    """Return the hosts of MX records such as ``10 mail.example.com.``; the null MX (RFC 7505) is the empty name."""
    return [text.split()[-1].rstrip(".").lower() for text in answer.records]


def judge_mx(domain: str, answer: Answer, addresses: Mapping[str, Sequence[Answer]]) -> list[Finding]:
    """Return whether replies and bounces to *domain* arrive.

    *addresses* holds the answers for A and AAAA of each exchanger, or of the domain itself if it has none.
    """
    if answer.trouble:
        return fault("mx", domain, unanswered(answer))
    hosts = exchangers(answer)
    cure = f"publish {domain}. MX 10 the host that takes your mail"
    if "" in hosts:
        return fault("mx", domain, f"a null MX refuses all mail, so replies and bounces are lost; {cure}")
    if not hosts and not _has(addresses.get(domain, ())):
        return fault("mx", domain, f"no MX, so replies and bounces are lost; {cure}")
    if not hosts:
        return verdict("mx", domain, [], [f"no MX; mail goes to the domain's own address, if it takes any; {cure}"], "")
    return _reachable(domain, hosts, addresses)


def _reachable(domain: str, hosts: list[str], addresses: Mapping[str, Sequence[Answer]]) -> list[Finding]:
    dead = [host for host in hosts if not _has(addresses.get(host, ()))]
    said = [f"the exchanger {host} has no address: correct the MX, or publish its A record." for host in dead]
    all_dead = len(dead) == len(hosts)
    return verdict("mx", domain, said if all_dead else [], [] if all_dead else said, ", ".join(hosts))


def _has(answers: Sequence[Answer]) -> bool:
    return any(answer.records for answer in answers)


def judge_link_host(host: str, answers: Sequence[Answer]) -> list[Finding]:
    """Return whether *host*, which links in mail begin with, leads people anywhere; *answers* are for A and AAAA."""
    if _is_address(host):
        text = "links lead to a bare address, which filters hold against mail: set CONSENT_BASE_URL to a name."
        return fault("host", host, text)
    found = [address for answer in answers for address in answer.records]
    if not found:
        trouble = [unanswered(answer) for answer in answers if answer.trouble]
        cure = f"no address, so every link is dead; publish {host}. A the address of your proxy"
        return verdict("host", host, trouble or [cure], [], "")
    inside = [address for address in found if not ip_address(address).is_global]
    said = [f"{address} cannot be reached from outside: publish the public address." for address in inside]
    return verdict("host", host, said, [], ", ".join(found))


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
