"""Trying a link: what it means when it answers or not, and that it leads nowhere inside."""

import ssl
from errno import ENOENT
from socket import EAI_AGAIN

import pytest

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
