"""Trying a link: what it means when it answers or not, and that it leads nowhere inside."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from errno import ENOENT
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import EAI_AGAIN

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from consent.sends.probe import is_public, probe, try_link


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
     "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "fe80::1%eth0", "localhost"],
)  # fmt: skip
def test_an_address_inside_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_an_address_of_the_internet_is(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["http://acme.example/u", "ftp://acme.example", "https://127.0.0.1/", "https://localhost/", "https://2130706433/", "https://acme.example:8443/",
     "https://user@acme.example/", "https://[::1]/", "file:///etc/passwd", "https://", "", "https://a.example/\r\nX: 1"],
)  # fmt: skip
def test_a_link_that_leads_inside_or_is_not_plain_https_is_not_opened(url):
    assert probe(url).works is None


def test_one_address_inside_among_others_is_enough_to_refuse():
    found = try_link("https://acme.example/u", lambda _: ["8.8.8.8", "127.0.0.1"], ssl.create_default_context())
    assert found.works is None and "public" in found.why


@pytest.mark.parametrize(("errno", "works"), [(ENOENT, False), (EAI_AGAIN, None)])
def test_a_name_that_does_not_exist_is_dead_but_not_one_that_cannot_be_looked_up(errno, works):
    def find(_: str) -> list[str]:
        raise OSError(errno, "no")

    assert try_link("https://acme.example/u", find, ssl.create_default_context()).works is works


class _Page(BaseHTTPRequestHandler):
    """Answers with the status that the path ends in; HEAD is refused under /get/."""

    def do_HEAD(self) -> None:
        self._answer(405 if self.path.startswith("/get/") else int(self.path[-3:]))

    def do_GET(self) -> None:
        self._answer(int(self.path[-3:]))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Location", "https://127.0.0.1/inside")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of acme.example that it signed itself, and its key."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme.example")]),
    )
    first = datetime(2020, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    built = built.not_valid_before(first).not_valid_after(first.replace(year=2120))
    alternative = x509.SubjectAlternativeName([x509.DNSName("acme.example")])
    signed = built.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def port(certificate: tuple[Path, Path]) -> Iterator[int]:
    """A server over TLS on the loopback interface, which only a test may reach."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "works"),
    [("/200", True), ("/204", True), ("/404", False), ("/410", False), ("/500", False), ("/302", None), ("/503", None), ("/403", None),
     ("/get/200", True), ("/get/404", False), ("/get/405", False)],
)  # fmt: skip
def test_what_a_page_answers_says_whether_the_link_works(
    certificate: tuple[Path, Path], port: int, path: str, works: bool | None
) -> None:
    trusting = ssl.create_default_context(cafile=certificate[0])
    found = try_link(f"https://acme.example{path}", lambda _: ["127.0.0.1"], trusting, port, lambda _: True)
    assert (found.works, found.why) == (works, f"HTTP {path[-3:]}")


def test_a_certificate_that_nobody_vouches_for_is_a_dead_link(port: int) -> None:
    found = try_link(
        "https://acme.example/200", lambda _: ["127.0.0.1"], ssl.create_default_context(), port, lambda _: True
    )
    assert found.works is False and "certificate" in found.why and "certificat" in found.french
