"""What DNS answered, as strings, and what there is to say about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Mark = Literal["ok", "warn", "FAIL"]
_LONGEST_STRING = 255


@dataclass(frozen=True)
class Answer:
    """The *records* of one name and type, as text; none if there are none; *trouble* when nobody could say."""

    records: tuple[str, ...] = ()
    trouble: str = ""


#: What answers a name and a type of record. It raises nothing.
Ask = Callable[[str, str], Answer]


@dataclass(frozen=True)
class Finding:
    """One line for the operator. *about* is ``spf``, ``dkim``, ``dmarc``, ``mx`` or ``host``."""

    mark: Mark
    about: str
    text: str


def verdict(about: str, subject: str, wrong: Iterable[str], doubtful: Iterable[str], well: str) -> list[Finding]:
    """Return a line for each fault and each doubt about *subject*; *well* is for when there is neither."""
    found = [Finding("FAIL", about, f"{subject}: {text}") for text in dict.fromkeys(wrong)]
    found += [Finding("warn", about, f"{subject}: {text}") for text in dict.fromkeys(doubtful)]
    return found or [Finding("ok", about, f"{subject}: {well}")]


def fault(about: str, subject: str, text: str) -> list[Finding]:
    """Return the one line about *subject* when there is nothing further to judge."""
    return verdict(about, subject, [text], [], "")


def unanswered(answer: Answer) -> str:
    """Return what to say of a question that had no answer: who cannot be asked cannot vouch for mail either."""
    return f"{answer.trouble}. Receivers may fare the same: look at the domain's name servers and its DNSSEC."


def publish(name: str, text: str) -> str:
    """Return the TXT record to publish as a zone file has it, in strings that are not too long (RFC 1035 s. 3.3)."""
    parts = [text[at : at + _LONGEST_STRING] for at in range(0, len(text), _LONGEST_STRING)]
    return f"publish {name}. TXT " + " ".join(f'"{part}"' for part in parts)


def tags(text: str) -> dict[str, str] | None:
    """Return the tags of a DKIM or DMARC record; None if it is no list of ``tag=value;`` (RFC 6376 s. 3.2)."""
    parts = [part.strip() for part in text.split(";")]
    if parts and not parts[-1]:
        parts.pop()
    found: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or name.strip() in found:
            return None
        found[name.strip()] = value.strip()
    return found
