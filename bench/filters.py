"""Two spam filters of Debian's packages, run offline over letters as a receiving server would have them."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path
from urllib.error import URLError

from bench.load import free_port, serving
from consent import clock

#: What asks DNS, or needs the signature that the mail server adds: `consent doctor --mail` looks at that.
_NETWORK = re.compile(r"AUTH_NA|(ARC|DMARC|R_SPF|R_DKIM|RBL|SURBL|MX|RDNS)_.*|HFILTER_.*(NORES|_IP_A|UNKNOWN).*")
_LINE = re.compile(r"^ *(-?\d+(?:\.\d+)?) ([A-Z][A-Z0-9_]+) ", re.M)
_OUTSIDE = "9.9.9.9"  # addresses kept for documentation cost points of their own
_DOMAIN = "example.com"
_CONFIGURATION = """
.include "$CONFDIR/common.conf"
options {
  pidfile = "$RUNDIR/rspamd.pid";
  .include "$CONFDIR/options.inc"
  dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }
}
logging { type = "console"; level = "error"; }
worker "normal" { bind_socket = "127.0.0.1:%d"; .include "$CONFDIR/worker-normal.inc" }
"""


class NoFilter(Exception):
    """A filter is not installed or does not work. The message says what to do."""


@dataclass(frozen=True)
class Scored:
    """The points of each symbol that a letter earned."""

    symbols: Mapping[str, float]

    @property
    def ours(self) -> float:
        """The points that the letter itself is to blame for."""
        return round(sum(points for name, points in self.symbols.items() if name not in self.network), 2)

    @property
    def network(self) -> dict[str, float]:
        """The symbols that there is no network for here."""
        return {name: points for name, points in self.symbols.items() if points and _NETWORK.fullmatch(name)}

    @property
    def costly(self) -> dict[str, float]:
        """The symbols of ours that cost points."""
        return {name: points for name, points in self.symbols.items() if points > 0 and name not in self.network}


def spamassassin(letters: Mapping[str, bytes]) -> dict[str, Scored]:
    """Return what SpamAssassin's local tests say, without a trained memory; NoFilter if it is not there."""
    program = _program("spamassassin")
    options = ["-L", "-t", "-x", "--prefspath=/dev/null", "--cf=use_bayes 0"]
    found = {}
    for name, letter in letters.items():
        run = subprocess.run([program, *options], input=_received(letter), capture_output=True, check=True)
        _, heading, table = run.stdout.decode("utf-8", "replace").rpartition("Content analysis details:")
        if not heading:
            raise NoFilter("SpamAssassin wrote no report: does `spamassassin -L -t` work here?")
        found[name] = Scored({symbol: float(points) for points, symbol in _LINE.findall(table)})
    return found


def rspamd(letters: Mapping[str, bytes], folder: Path) -> dict[str, Scored]:
    """Return what rspamd says with its stock rules, keeping its files in *folder*; NoFilter if it is not there."""
    port, home = free_port(), folder / "rspamd"
    home.mkdir()
    (home / "rspamd.conf").write_text(_CONFIGURATION % port, "utf-8")
    places = [f"--var={name}={home}" for name in ("RUNDIR", "DBDIR", "LOGDIR", "LOCAL_CONFDIR")]
    command = [_program("rspamd"), "--insecure", "--no-fork", f"--config={home}/rspamd.conf", *places]
    try:
        with serving(command, port, {}, home, "/ping"):
            return {name: _ask(port, letter) for name, letter in letters.items()}
    except (URLError, OSError) as error:
        raise NoFilter(f"rspamd did not answer ({error}).") from None


def versions() -> str:
    """Return which filters these are; their rules change with them."""
    found = []
    for name in ("spamassassin", "rspamd"):
        run = subprocess.run([_program(name), "--version"], capture_output=True, text=True, check=True)
        found.append(run.stdout.partition("\n")[0].replace("daemon version ", "").replace("version ", "").strip())
    return ", ".join(found)


def _program(name: str) -> str:
    if found := shutil.which(name):
        return found
    raise NoFilter(f"{name} is missing. Install it (Debian: apt-get install spamassassin rspamd) and run this again.")


def _ask(port: int, letter: bytes) -> Scored:
    """Give rspamd the letter with the envelope that its mail server would tell it about."""
    sender, recipient = (re.search(rb"^%s:.*?([^\s<]+@[^\s>]+)" % name, letter, re.M) for name in (b"From", b"To"))
    assert sender and recipient
    told = {"From": sender[1].decode(), "Rcpt": recipient[1].decode(), "IP": _OUTSIDE}
    told |= {"Helo": f"mail.{_DOMAIN}", "Hostname": f"mail.{_DOMAIN}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/checkv2", _received(letter), told)
    with urllib.request.urlopen(request, timeout=30) as answer:
        symbols = json.load(answer)["symbols"]
    return Scored({name: found["score"] for name, found in symbols.items()})


def _received(letter: bytes) -> bytes:
    """Return the letter with the line that the receiver's server puts on top."""
    line = f"from mail.{_DOMAIN} (mail.{_DOMAIN} [{_OUTSIDE}]) by mx.receiver.example with ESMTPS id 1"
    return f"Received: {line}; {format_datetime(clock.now())}\r\n".encode() + letter
