"""Restoring as docs/operating.md says it, step by step, by its own commands, and with logins that may do no more."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.cli.test_serving import until
from tests.clusters import REPOSITORY, Cluster
from tests.faults.conftest import OpenSite
from tests.faults.history import History
from tests.faults.load import Client
from tests.faults.post_office import Letter
from tests.faults.processes import ORIGIN, Site
from tests.faults.test_restoring import do
from tests.records.restoring import with_programs

pytestmark = pytest.mark.slow
LATE = 120  # seconds after which an unsigned head is complained of
GUIDE = (REPOSITORY / "docs" / "operating.md").read_text("utf-8")


@dataclass
class Drill:
    """A site of which a backup was taken at *path*, and that lived on until it was lost."""

    site: Site
    path: Path
    asked: Letter  # to somebody who was to confirm
    joined: Letter  # to somebody who had confirmed, and left after the backup


@pytest.fixture(params=("sqlite", "postgresql"))
def drill(request: pytest.FixtureRequest, open_site: OpenSite) -> Drill:
    """A backup of a site, and what happened before and after it."""
    site = open_site(request.param)
    site.env["PATH"] = with_programs()
    history = History(site.folder / "history.jsonl")
    client = Client(site, history, 1)
    site.web.start()
    assert until(site.answers)
    for address in ("asked@example.com", "joined@example.com"):
        assert client.sign_up(address).result == "ok"
    asked, to_confirm = delivered(site)
    assert client.confirm(to_confirm.to, to_confirm.links["c"]).result == "ok"
    (joined,) = delivered(site)
    do(site, "backup", "kept")
    assert client.one_click(joined.to, joined.one_click).result == "ok"
    delivered(site)  # and signed
    site.stop()
    history.close()
    (path,) = [path for path in (site.folder / "kept").iterdir() if path.suffix != ".checkpoint"]
    return Drill(site, path, asked, joined)


def delivered(site: Site) -> list[Letter]:
    """Let a worker do what is due, and return the letters that came, by address."""
    do(site, "worker", "--once")
    return sorted(site.office.look(), key=lambda letter: letter.to)


@pytest.fixture
def copy(drill: Drill, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The site on what was restored, with the keys and the ``.signed`` file that the lost one had."""
    if drill.path.suffix == ".db":
        documented(0, {"/srv/consent": str(drill.site.folder), "consent-….db": str(drill.path)})
        made = replace(drill.site)
    else:
        made = on_a_new_database(request.getfixturevalue("durable"), drill)
    yield made
    made.stop()


def on_a_new_database(server: Cluster, drill: Drill) -> Site:
    """Return the site on PostgreSQL, with a login for the web and one for the worker."""
    name = f"drill_{drill.site.port}"
    logins(server, name)
    places = {
        "postgresql://owner@db.example.com/consent": f"'{server.url(name, f'{name}_owner')}'",
        "--owner=owner consent": f"--owner={name}_owner {name}",
        "consent-….dump": str(drill.path),
    }
    documented(1, places, PGHOST=str(server.folder), PGUSER="postgres")
    made = replace(drill.site, database_url=server.url(name, f"{name}_web"))
    made.worker.env = made.env | {"CONSENT_DATABASE_URL": server.url(name, f"{name}_worker")}
    return made


def logins(server: Cluster, name: str) -> None:
    """Make the three logins of the guide, which a new server does not have."""
    server.run(f"CREATE ROLE {name}_owner LOGIN CREATEROLE")
    for role in ("consent_web", "consent_sequencer", "consent_publisher"):
        server.run(f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$")
    server.run(f"CREATE ROLE {name}_web LOGIN IN ROLE consent_web")
    server.run(f"CREATE ROLE {name}_worker LOGIN IN ROLE consent_web, consent_sequencer, consent_publisher")


def documented(number: int, places: Mapping[str, str], **more: str) -> None:
    """Run one of the blocks of commands that the guide has under "Restoring", with other *places*."""
    section = GUIDE.partition("\n## Restoring")[2].partition("\n## ")[0]
    commands = re.findall(r"```console\n(.*?)```", section, re.DOTALL)[number]
    for written, meant in places.items():
        assert written in commands
        commands = commands.replace(written, meant)
    env = os.environ | {"PATH": with_programs()} | more
    subprocess.run(["sh", "-ec", commands], check=True, cwd=REPOSITORY, env=env, capture_output=True)


def work(copy: Site, ahead: int = 0) -> subprocess.CompletedProcess[str]:
    """Let the worker of the copy do what is due."""
    return copy.command("worker", "--once", ahead=ahead, database=copy.worker.env["CONSENT_DATABASE_URL"])


def test_a_site_restored_by_the_guide_refuses_the_old_key_opens_old_links_and_goes_on_under_a_new_name(
    drill: Drill, copy: Site
) -> None:
    kept, signed = ("--checkpoint", str(drill.path.with_suffix(".checkpoint"))), copy.folder / "ledger.key.signed"
    before = signed.read_bytes()
    without_the_key(copy, "audit", *kept)
    assert "number 14 is missing" in copy.command("audit", "--checkpoint", str(signed)).stdout
    refuses(copy, "restored from an old copy or cut")
    without_the_key(copy, "export", "--format", "bundle", "--out", "old-log.zip")  # which is an entry too
    do(copy, "verify", "old-log.zip", "--key", copy.command("ledger", "key", "show").stdout.strip(), *kept)
    refuses(copy, "restored from an old copy, and went on")
    assert "The ledger's head has not been signed for" in complaints(copy)
    goes_on_under_a_new_name(copy)
    opens_old_links(drill, copy)
    assert work(copy, LATE).returncode == 0
    assert until(copy.ready)
    assert signed.read_bytes() == before


def without_the_key(copy: Site, *words: str) -> None:
    """Run a command that must succeed, and that does not know the key of this host."""
    own = copy.env["CONSENT_LEDGER_KEY"]
    copy.env["CONSENT_LEDGER_KEY"] = "none"
    do(copy, *words)
    copy.env["CONSENT_LEDGER_KEY"] = own


def refuses(copy: Site, why: str) -> None:
    """The worker with the old key signs nothing."""
    refused = work(copy)
    assert (refused.returncode, why in refused.stderr) == (2, True), refused.stderr


def complaints(copy: Site) -> str:
    """Return what ``/readyz`` says some time later."""
    serve(copy)
    status, said = copy.readiness()
    assert status == 503
    return said


def serve(copy: Site) -> None:
    """Start the web server with the settings of now, some time later."""
    copy.web.kill()
    copy.web.env = copy.env | {"CONSENT_CLOCK_OFFSET": str(LATE)}
    copy.web.start()
    assert until(copy.answers)


def goes_on_under_a_new_name(copy: Site) -> None:
    """Begin a new log, with a key of its own."""
    copy.env |= {"CONSENT_LEDGER_ORIGIN": f"{ORIGIN}-2", "CONSENT_LEDGER_KEY": str(copy.folder / "new.key")}
    do(copy, "ledger", "key", "new")
    serve(copy)


def opens_old_links(drill: Drill, copy: Site) -> None:
    """Links from before the backup work; a no that came after it was lost, and is brought in."""
    history = History(copy.folder / "restored.jsonl")
    client = Client(copy, history, 1)
    assert client.decide(drill.joined.to).body["decision"] == "allow"
    assert client.withdraw(drill.joined.to).result == "ok"
    assert client.decide(drill.joined.to).body["decision"] == "deny"
    assert client.confirm(drill.asked.to, drill.asked.links["c"]).result == "ok"
    assert client.decide(drill.asked.to).body["decision"] == "allow"
    assert client.one_click(drill.joined.to, drill.joined.one_click).result == "ok"
    history.close()
