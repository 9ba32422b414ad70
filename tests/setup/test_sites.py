"""Which sites a form may name: exact ones that nobody on the way can pose as."""

from pathlib import Path

import pytest

from consent.catalogue import Form
from consent.setup import read
from consent.setup.read import BadSetup
from tests.setup.test_setup import EXAMPLE

SITE, THANKS = 'origins = ["https://acme.example"]', 'return_urls = ["https://acme.example/thanks"]'


def read_with(tmp_path: Path, old: str, new: str, **more: bool) -> dict[str, object]:
    assert old in EXAMPLE
    file = tmp_path / "setup.toml"
    file.write_text(EXAMPLE.replace(old, new), "utf-8")
    return dict(read.read(file, **more).form["acme-news"])


@pytest.mark.parametrize(
    "site",
    [
        "*", "https://*", "https://*.acme.example", "null", "acme.example", "//acme.example", "https://acme.example/",
        "https://acme.example/path", "https://anne@acme.example", "https://acme.example:443", "https://ACME.example",
        "https://acmé.example", "https://acme.example;script-src *", "https://acme.example https://evil.example",
        "https://acme.example\\n", "ftp://acme.example", "javascript:alert(1)", "https://acme.example?x", "https://",
        "https://acme.example:99999999", "https://-acme.example", "http://acme.example", "http://localhost:8080",
    ],
)  # fmt: skip
def test_what_is_no_exact_site_over_https_is_refused(tmp_path: Path, site: str) -> None:
    with pytest.raises(BadSetup, match=r"form acme-news: origins"):
        read_with(tmp_path, SITE, f'origins = ["{site}"]')


@pytest.mark.parametrize(
    "url",
    [
        "/thanks", "//evil.example", "https:/evil.example", "https:evil.example", "https://acme.example\\\\@evil.example",
        "https://anne:pw@acme.example/", "https://acme.example@evil.example/", "https://acme.example/*",
        "https://acme.example/a b", "https://acme.example/thänks", "https://acmé.example/", "https://*.acme.example/",
        "https://acme.example/#top", "javascript:alert(1)", "data:text/html,x", "http://acme.example/thanks",
        "https://acme.example/thanks\\r\\nX: y", "https://acme.example:443/thanks", "HTTPS://acme.example/thanks",
    ],
)  # fmt: skip
def test_what_is_no_exact_address_over_https_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSetup, match=r"form acme-news: return_urls"):
        read_with(tmp_path, THANKS, f'return_urls = ["{url}"]')


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "127.0.0.1:8080"])
def test_in_development_a_site_of_this_machine_may_do_without_tls(tmp_path: Path, host: str) -> None:
    form = read_with(tmp_path, SITE, f'origins = ["http://{host}"]', development=True)
    assert form["origins"] == [f"http://{host}"]


@pytest.mark.parametrize("host", ["acme.example", "localhost.evil.example", "127.0.0.1.evil.example"])
def test_even_in_development_another_machine_needs_tls(tmp_path: Path, host: str) -> None:
    with pytest.raises(BadSetup, match="must begin with https"):
        read_with(tmp_path, SITE, f'origins = ["http://{host}"]', development=True)


@pytest.mark.parametrize(
    "url", ["https://acme.example", "https://acme.example:8443/a/b-c_d~e?x=1&y=%C3%A9", "https://xn--acm-dma.example/"]
)
def test_an_exact_address_is_kept_as_it_is(tmp_path: Path, url: str) -> None:
    assert read_with(tmp_path, THANKS, f'return_urls = ["{url}"]')["return_urls"] == [url]


def test_the_sites_of_return_urls_are_named_once() -> None:
    urls = ("https://acme.example/a", "https://acme.example/b?c", "https://www.acme.example:8443")
    form = Form("x", 1, None, (), {}, {}, "web_form", return_urls=urls)  # type: ignore[arg-type]  # no brand is needed
    assert form.return_origins == ("https://acme.example", "https://www.acme.example:8443")
