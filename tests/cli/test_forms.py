"""`consent form snippet`, and that what docs/forms.md shows works."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from consent import catalogue, clock
from consent.records.append import Origin
from consent.setup import apply, read
from tests.browser.conftest import chromium
from tests.cli.calling import runner
from tests.conftest import settings_for
from tests.house import House
from tests.people import ANNE
from tests.setup.test_setup import EXAMPLE
from tests.test_docs import ROOT, blocks

FORMS = (ROOT / "docs" / "forms.md").read_text("utf-8")
SITE = {"Origin": "https://acme.example", "Sec-Fetch-Site": "cross-site"}


class Fields(HTMLParser):
    """What a browser would send for a form: its fields as they stand, and what assistive technology is told."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self) -> dict[str, str]:
        inputs = [found for tag, found in self.tags if tag == "input" and found["type"] != "checkbox"]
        return {str(found["name"]): found.get("value") or "" for found in inputs}

    def one(self, tag: str) -> dict[str, str | None]:
        (found,) = [attributes for name, attributes in self.tags if name == tag]
        return found


def shown(kind: str) -> str:
    """Return what the docs show for *kind*."""
    return FORMS.split(f"--kind {kind}\n")[1].split("```html\n")[1].split("```")[0]


@pytest.mark.parametrize("kind", ["iframe", "html", "fetch"])
def test_the_docs_show_what_the_command_prints(app: Flask, tmp_path: Path, kind: str) -> None:
    done = runner(tmp_path)("form", "snippet", "acme-news", "--kind", kind)
    assert (done.exit_code, done.stdout.rstrip("\n"), done.stderr) == (0, shown(kind).rstrip("\n"), "")


def test_the_set_up_that_the_docs_show_is_that_of_the_example() -> None:
    (shown_setup,) = blocks(FORMS, "toml")
    for line in re.findall(r"^\w+ = [^#\n]*[\]\"]", shown_setup, re.M):
        assert line in EXAMPLE


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", ["html", "fetch"])
def test_a_form_to_copy_is_accessible_and_shows_the_exact_words(
    app: Flask, tmp_path: Path, kind: str, language: str
) -> None:
    page = runner(tmp_path)("form", "snippet", "zest-news", "--kind", kind, "--language", language).stdout
    fields, form = Fields(page), catalogue.form("zest-news")
    assert all(line in page for line in form.notices[language].words.splitlines())
    assert fields.values()["notice"] == form.notices[language].sha256
    assert fields.one("form")["lang"] == language
    labelled = [found["for"] for tag, found in fields.tags if tag == "label" and "for" in found]
    assert labelled == [found["id"] for tag, found in fields.tags if tag == "input" and found["type"] == "email"]
    assert page.count('<label><input type="checkbox"') == 2 and "checked" not in page
    assert "<fieldset>\n<legend>" in page and "<button>" in page
    assert not [name for _, found in fields.tags for name in found if name.startswith("on") or name == "style"]


def test_without_a_registered_site_the_command_says_what_to_do(app: Flask, tmp_path: Path) -> None:
    assert "add origins" in runner(tmp_path)("form", "snippet", "zest-news").stderr


def test_a_form_that_is_not_there_is_said(app: Flask, tmp_path: Path) -> None:
    done = runner(tmp_path)("form", "snippet", "nothing")
    assert isinstance(done.exception, catalogue.Unknown) and "nothing" in str(done.exception)


def test_the_frame_of_the_docs_shows_the_form(house: House) -> None:
    source = str(Fields(shown("iframe")).one("iframe")["src"])
    assert source.startswith("https://consent.example.com/embed/")
    page = house.client.get(source.removeprefix("https://consent.example.com"), headers={"Sec-Fetch-Dest": "iframe"})
    assert page.status_code == 200 and '<form method="post"' in page.text


def test_the_plain_form_of_the_docs_signs_up_and_leads_on(house: House) -> None:
    fields = Fields(shown("html"))
    path = str(fields.one("form")["action"]).removeprefix("https://consent.example.com")
    data = {**fields.values(), "email": ANNE.email, "topic": "acme/newsletter"}
    answer = house.client.post(path, data=data, headers=SITE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://acme.example/thanks")
    assert len(house.letters(ANNE.email)) == 1


def test_what_the_script_of_the_docs_sends_is_taken(house: House) -> None:
    body = {**Fields(shown("fetch")).values(), "email": ANNE.email, "topic": ["acme/newsletter"]}
    assert house.client.post("/s/acme-news", json=body, headers=SITE).status_code == 202
    assert len(house.letters(ANNE.email)) == 1


class Site(BaseHTTPRequestHandler):
    """A company's own site, of one page."""

    page = b""

    def do_GET(self) -> None:  # noqa: N802 - the name that the server calls
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(app: Flask, tmp_path: Path) -> Iterator[str]:
    """A company's site and our service, at two ports of this machine; yields the site's address."""
    with ThreadingHTTPServer(("localhost", 0), Site) as company:
        address = f"http://localhost:{company.server_port}"
        ours = make_server("127.0.0.1", 0, app, threaded=True)
        app.config["CONSENT"] = settings_for(tmp_path, CONSENT_BASE_URL=f"http://127.0.0.1:{ours.port}")
        (tmp_path / "setup.toml").write_text(EXAMPLE.replace('"https://acme.example"]', f'"{address}"]'), "utf-8")
        wanted = read.read(tmp_path / "setup.toml", development=True)
        apply.apply(wanted, Origin("consent.example.com/ledger", clock.now()))
        for server in (company, ours):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        yield address
        company.shutdown()
        ours.shutdown()
        ours.server_close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "topics", "said"),
    [("fr", "true", "un message de Acme est en route"), ("en", "false", "Choose at least one")],
)
def test_the_script_works_in_a_browser(
    house: House, site: str, tmp_path: Path, language: str, topics: str, said: str
) -> None:
    base = house.app.config["CONSENT"].base_url
    words = ("form", "snippet", "acme-news", "--kind", "fetch", "--language", language)
    snippet = runner(tmp_path)(*words, CONSENT_BASE_URL=base).stdout
    press = f"""<script type="module">
    form.elements.email.value = {json.dumps(ANNE.email)};
    form.querySelector("[name=topic]").checked = {topics};
    form.requestSubmit();
    </script>"""
    page = snippet.replace("</script>", press.partition(">")[2], 1)
    Site.page = f"<!doctype html><html lang={language}><meta charset=utf-8><title>Acme</title>{page}</html>".encode()
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--dump-dom")
    command = [chromium(), *flags, f"--user-data-dir={tmp_path}/browser", site]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout
    assert said in dom.split('<p role="status">')[1].split("</p>")[0]
    assert len(house.letters(ANNE.email)) == (topics == "true")
