"""What preflight may find: its level, the provision it rests on, and how to mend it, in English and French.

A key is the id of the finding, and after a full stop which of its cases it is. An *error* breaks a law or a standard
that the message must meet; a *warning* makes it likely to be taken for spam, or rests on a law we know at second hand;
a *note* is for the sender to weigh. The words in braces are taken from the message or from what is set up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consent import typography
from consent.law.citations import Provision
from consent.law.rules_of_form import FORM
from consent.law.rules_of_leaving import CONTENT
from consent.law.sentences import LANGUAGES

LEVELS = ("error", "warning", "note")
RULES = {**CONTENT, **FORM}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a message; its *level* may differ from the rule's by the kind of the message."""

    key: str
    level: str
    values: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def id(self) -> str:
        """The name by which programs know it."""
        return self.key.partition(".")[0]

    @property
    def citation(self) -> Provision:
        """The provision that it rests on."""
        return RULES[self.key].citation

    def text(self, language: str = "en") -> str:
        """Return what is wrong and how to mend it, in *language* (en, fr)."""
        rule = RULES[self.key]
        sentence = (rule.english, typography.french(rule.french))[LANGUAGES.index(language)]
        why = {"why": self.values["pourquoi"]} if language == "fr" and "pourquoi" in self.values else {}
        return sentence.format(**{**self.values, **why})


def found(key: str, level: str | None = None, **values: str) -> Finding:
    """Return the finding *key* with what is put into its sentence. Raises KeyError for a key that is none."""
    return Finding(key, level or RULES[key].level, {name: _short(value) for name, value in values.items()})


def _short(value: str) -> str:
    """Return *value* on one line, printable and not too long: it may be a stranger's."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(value.split()))
    return line if len(line) <= 160 else f"{line[:159]}…"
