"""A resolver that holds what a test says, and answers and fails as dnspython's does; and a server for the real one."""

import socketserver
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver
import dns.rrset

Records = Mapping[str, Mapping[str, Iterable[str]]]  # by name and type

DEAD = {"SERVFAIL": dns.resolver.NoNameservers, "TIMEOUT": dns.resolver.LifetimeTimeout}


def txt(*strings: str) -> str:
    """Return a TXT record of these strings, as a zone file has it."""
    return " ".join(f'"{string}"' for string in strings)


class Zone:
    """The records by name and type; ``SERVFAIL`` or ``TIMEOUT`` in place of a record is a name server's fault."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.asked: list[tuple[str, str]] = []

    def resolve(self, qname: str, rdtype: str, *, search: bool, lifetime: float) -> list[Any]:
        """Return rdata, or raise NXDOMAIN, NoAnswer, NoNameservers or LifetimeTimeout."""
        assert not search and lifetime
        self.asked.append((qname, rdtype))
        here = self.records.get(qname.rstrip(".").lower())
        if here is None:
            raise dns.resolver.NXDOMAIN(qnames=[dns.name.from_text(qname)], responses={})
        if "CNAME" in here:
            return self.resolve(next(iter(here["CNAME"])), rdtype, search=search, lifetime=lifetime)
        found = list(here.get(rdtype, ()))
        if not found:
            raise dns.resolver.NoAnswer(response=FakeResponse(qname))
        if found[0] in DEAD:
            raise DEAD[found[0]](timeout=lifetime, errors=[]) if found[0] == "TIMEOUT" else DEAD[found[0]]()
        return [dns.rdata.from_text("IN", rdtype, text) for text in found]


class FakeResponse:
    """What NoAnswer wants to know of a message: its question."""

    def __init__(self, qname: str) -> None:
        self.question = [qname]


@contextmanager
def real_resolver(records: Records) -> Iterator[dns.resolver.Resolver]:
    """Give dnspython's own resolver, which asks a server of ours for *records*, over UDP on the loopback interface."""

    class Question(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, line = self.request
            line.sendto(_answer(records, dns.message.from_wire(wire)).to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Question) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            resolver = dns.resolver.Resolver(configure=False)
            resolver.nameservers, resolver.port = ["127.0.0.1"], server.server_address[1]
            yield resolver
        finally:
            server.shutdown()
            thread.join()


def _answer(records: Records, query: dns.message.Message) -> dns.message.Message:
    """Return what an authoritative server says: the alias first, then what is found at its end."""
    response = dns.message.make_response(query)
    name, kind = query.question[0].name, dns.rdatatype.to_text(query.question[0].rdtype)
    here = records.get(name.to_text(omit_final_dot=True))
    while here and "CNAME" in here:
        (alias,) = here["CNAME"]
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", alias))
        name = dns.name.from_text(alias)
        here = records.get(name.to_text(omit_final_dot=True))
    found = list((here or {}).get(kind, ()))
    if here is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
    elif found == ["SERVFAIL"]:
        response.set_rcode(dns.rcode.SERVFAIL)
    elif found:
        response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *found))
    return response
