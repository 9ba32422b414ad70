"""Bounces and complaints from a Maildir that a mail server delivers them to, for those who prefer it to a pipe."""

from collections.abc import Callable, Sequence
from pathlib import Path

from consent.feedback import mail
from consent.subscriptions.acts import Act

_MOST = 100  # messages at once
_LARGEST = 32 * 1024 * 1024


def poll(folder: Path, keys: Sequence[str], act: Callable[[], Act]) -> int:
    """Read what is new in *folder*, record it, and mark it as seen; return how many messages that were.

    What cannot be recorded, since the database is away, stays new; what cannot be for another cause is flagged. Several
    workers may look at one folder.
    """
    done = 0
    for path in sorted((folder / "new").iterdir())[:_MOST]:
        try:
            with path.open("rb") as file:
                raw = file.read(_LARGEST)
        except FileNotFoundError:
            continue  # another worker had it
        _seen(path, folder, "S" if mail.attempt(raw, keys, act()) else "FS")
        done += 1
    return done


def _seen(path: Path, folder: Path, flags: str) -> None:
    """Move the message where readers of a Maildir keep what was seen, F: flagged, S: seen (maildir(5))."""
    cur = folder / "cur"
    cur.mkdir(exist_ok=True)
    path.rename(cur / f"{path.name.partition(':')[0]}:2,{flags}")
