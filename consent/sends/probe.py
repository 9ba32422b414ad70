"""Try a link that a stranger wrote into a message, without becoming their tool (OWASP SSRF prevention).

HTTPS on its own port only; every address that the name has must be public, and the connection goes to the very address
that was looked at; HEAD, and GET where HEAD is refused; redirects are not followed; the body is not read.
"""

import ipaddress
import re
import socket
import ssl
from collections.abc import Callable
from http.client import HTTPException, HTTPSConnection

from consent.law.message import Probe

TIMEOUT_SECONDS = 5.0
_URL = re.compile(r"https://(?P<host>[A-Za-z0-9.-]{1,253})(?::443)?(?P<path>[/?][!\"$-~]{0,2000})?(?:#[!-~]*)?")
_HEAD_REFUSED = (405, 501)
_GUARDED = (401, 403, 429, 502, 503, 504)  # says nothing about what a reader would get

Resolver = Callable[[str], list[str]]


def probe(url: str) -> Probe:
    """Return whether the page at *url* answers, at most about a quarter of a minute later. Never raises."""
    return try_link(url, resolve, ssl.create_default_context())


def try_link(
    url: str, find: Resolver, context: ssl.SSLContext, port: int = 443, public: Callable[[str], bool] | None = None
) -> Probe:
    """Return whether *url* answers at one of the addresses that *find* gives its host.

    *port* and *public*, by which an address may be connected to, are for tests, which have no public server.
    """
    match = _URL.fullmatch(url)
    if match is None:
        return Probe(None, "not a plain https link", "ce n’est pas un simple lien https")
    name = match["host"]
    try:
        addresses = find(name)
    except OSError as error:
        gone = error.errno != socket.EAI_AGAIN  # else it is our own resolver that is away
        if gone:
            return Probe(False, f"no such host: {name}", f"aucun serveur de ce nom : {name}")
        return Probe(None, "names cannot be looked up now", "les noms ne peuvent être résolus en ce moment")
    if not addresses or not all((public or is_public)(address) for address in addresses):
        return Probe(None, f"{name} is not on the public internet", f"{name} n’est pas sur l’Internet public")
    path = match["path"] or "/"
    return _ask(name, addresses[0], port, path if path.startswith("/") else f"/{path}", context)


def resolve(name: str) -> list[str]:
    """Return the addresses of *name*. Raises OSError if it has none."""
    try:
        found = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is too long
        raise OSError(str(error)) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether the numeric *address* is one that anybody may reach: not loopback, private, link-local or the like."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # such as one with a zone
        return False
    inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None) or parsed
    return bool(parsed.is_global and inner.is_global and not parsed.is_multicast and not parsed.is_reserved)


class _Pinned(HTTPSConnection):
    """A connection to *address*, whatever the name resolves to by now; the certificate is that of the name."""

    def __init__(self, name: str, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(name, port, timeout=TIMEOUT_SECONDS, context=context)
        self._to, self._tls = (address, port), context

    def connect(self) -> None:
        """Connect to the address that was looked at."""
        plain = socket.create_connection(self._to, timeout=TIMEOUT_SECONDS)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _ask(name: str, address: str, port: int, path: str, context: ssl.SSLContext) -> Probe:
    status = 0
    for method in ("HEAD", "GET"):
        connection = _Pinned(name, address, port, context)
        try:
            connection.request(method, path, headers={"User-Agent": "consent-preflight"})
            status = connection.getresponse().status
        except ssl.SSLCertVerificationError:
            return Probe(False, "its certificate is not valid", "son certificat n’est pas valide")
        except (OSError, HTTPException):
            return Probe(False, "no answer", "pas de réponse")
        finally:
            connection.close()
        if status not in _HEAD_REFUSED:
            break
    return _meaning(status)


def _meaning(status: int) -> Probe:
    if 200 <= status < 300:
        return Probe(True, f"HTTP {status}")
    if 300 <= status < 400 or status in _GUARDED:
        return Probe(None, f"HTTP {status}")
    return Probe(False, f"HTTP {status}")
