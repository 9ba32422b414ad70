"""A small IMAP server (RFC 3501) on the loopback interface, with what we ask of one: really spoken, over TLS if asked."""

import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = 'p:w/"\\'  # with what must be quoted


@dataclass
class PostBox:
    """The messages by their number, the flags that each has, and what clients said."""

    messages: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)
    breaks_at: str = ""  # a command at which the connection ends
    port: int = 0

    def put(self, raw: bytes) -> int:
        """Let *raw* arrive; return its number."""
        number = len(self.messages) + 1
        self.messages[number], self.flags[number] = raw, set()
        return number


class _Session(socketserver.StreamRequestHandler):
    box: PostBox

    def handle(self) -> None:
        self._say(b"* OK ready")
        for line in self.rfile:
            tag, _, command = line.decode("ascii").strip().partition(" ")
            self.box.said.append(command)
            if self.box.breaks_at and command.startswith(self.box.breaks_at):
                return
            answer = self._answer(command)
            self._say(f"{tag} {answer}".encode())
            if command == "LOGOUT":
                return

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def _answer(self, command: str) -> str:
        if command == "CAPABILITY":
            self._say(b"* CAPABILITY IMAP4rev1")
        elif command.startswith("LOGIN"):
            quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
            return "OK in" if command == f'LOGIN reports "{quoted}"' else f"NO not with {command}"
        elif command.startswith("SELECT"):
            return "OK [READ-WRITE] open" if command == 'SELECT "Re ports"' else "NO no such folder"
        elif command == "UID SEARCH UNSEEN":
            unseen = [str(n) for n, flags in self.box.flags.items() if "\\Seen" not in flags]
            self._say(" ".join(["* SEARCH", *unseen]).encode())
        elif fetch := re.fullmatch(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command):
            self._fetch(int(fetch[1]), int(fetch[2]))
        elif store := re.fullmatch(r"UID STORE (\d+) \+FLAGS\.SILENT \((.*)\)", command):
            self.box.flags[int(store[1])] |= set(store[2].split())
        return "OK done"

    def _fetch(self, number: int, most: int) -> None:
        raw = self.box.messages[number][:most]
        if not raw:
            return  # it was deleted since
        self.box.fetched.append(len(raw))
        self.wfile.write(f"* {number} FETCH (UID {number} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, session: type[_Session], context: ssl.SSLContext | None) -> None:
        self.context = context
        super().__init__(("127.0.0.1", 0), session)

    def finish_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]  # as typeshed has it
        if self.context:
            with self.context.wrap_socket(request, server_side=True) as secret:
                super().finish_request(secret, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that does not trust us hangs up."""


@contextmanager
def opened(certificate: tuple[Path, Path] | None = None) -> Iterator[PostBox]:
    """Yield a mailbox that is served meanwhile, over TLS if there is a *certificate* with its key."""
    box, context = PostBox(), None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    with _Server(type("Session", (_Session,), {"box": box}), context) as server:
        box.port = int(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield box
        server.shutdown()
