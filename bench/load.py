"""Processes and load: a server on a free port, and wrk against it."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
BIN = Path(sys.executable).parent
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}

# One request after the other from a file of "path<TAB>body" lines; each line is used once.
_LUA = """
local requests = {{}}
for line in io.lines("{path}") do
  local path, body = line:match("^([^\\t]*)\\t(.*)$")
  local method = body == "" and "GET" or "POST"
  requests[#requests + 1] = wrk.format(method, path, {{["Content-Type"] = "{kind}"{extra}}}, body)
end
local next_one = 0
request = function()
  next_one = next_one + 1
  if next_one > #requests then return wrk.format("GET", "/used-up") end  -- a 404, which stops the run
  return requests[next_one]
end
"""


@dataclass(frozen=True)
class Measured:
    """One round: requests a second that were answered well, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float
    failed: int


def need_wrk() -> None:
    """Stop with a sentence if wrk is not there: a figure that was not measured is not printed."""
    if not shutil.which("wrk"):
        sys.exit("bench: wrk is missing. Install it (Debian: apt-get install wrk) and run this again.")


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], port: int, env: dict[str, str], folder: Path, page: str = "/") -> Iterator[float]:
    """Run *command* until the block ends; give the seconds from its start to its first answer for *page*."""
    begun = time.monotonic()
    process = subprocess.Popen(command, env=os.environ | env, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        yield _first_answer(port, page) - begun
    finally:
        process.terminate()
        process.wait(20)


def _first_answer(port: int, page: str) -> float:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=2).close()
        except (urllib.error.URLError, ConnectionError):
            threading.Event().wait(0.01)
            continue
        return time.monotonic()
    sys.exit("bench: the server did not answer within 30 seconds.")


def shoot(port: int, requests: Sequence[tuple[str, str]], seconds: int, kind: str = "", key: str = "") -> Measured:
    """Send *requests* (path, body) over CONNECTIONS connections for *seconds*, each at most once."""
    with tempfile.TemporaryDirectory() as folder:
        path, script = Path(folder, "requests.tsv"), Path(folder, "shoot.lua")
        path.write_text("\n".join(f"{where}\t{body}" for where, body in requests), "utf-8")
        extra = f', ["Authorization"] = "Bearer {key}"' if key else ""
        form = kind or "application/x-www-form-urlencoded"
        script.write_text(_LUA.format(path=path, kind=form, extra=extra), "utf-8")
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script)]
        found = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
        return _read(found.stdout)


def _read(text: str) -> Measured:
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if not rate:
        sys.exit(f"bench: wrk said something that cannot be read:\n{text}")
    failed = int(bad[1]) if bad else 0
    return Measured(float(rate[1]), _latency(text, "50%"), _latency(text, "99%"), failed)


def _latency(text: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s|m)", text)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0
