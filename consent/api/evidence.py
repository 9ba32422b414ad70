"""What proves a consent or a relationship, as a client tells it: a text, or an object of named texts.

The texts are personal data: they are kept beside the ledger, bound by commitments, and can be erased. The entry
itself holds only what *kind* of proof there is, which is what the law asks about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

#: What may be named, and the field of evidence that keeps it.
NAMES: Mapping[str, str] = {
    "recording": "recording",
    "verification": "document",
    "document": "document",
    "form_data": "form_data",
    "url": "url",
    "snapshot": "document",
    "directory": "document",
    "ip": "ip",
    "user_agent": "user_agent",
    "reference": "reference",
}
#: Kinds of proof that the law knows by name.
PROOFS = ("full_recording", "independent_verification", "document", "url+snapshot", "directory", "reference")
#: The texts of which one set must be there for each kind of proof.
_HELD_BY: Mapping[str, Sequence[frozenset[str]]] = {
    "full_recording": (frozenset({"recording"}), frozenset({"reference"})),
    "independent_verification": (frozenset({"verification"}), frozenset({"reference"})),
    "document": (frozenset({"document"}),),
    "url+snapshot": (frozenset({"url", "snapshot"}),),
    "directory": (frozenset({"directory"}), frozenset({"url"})),
    "reference": (frozenset(),),
}
_NONE = frozenset({"none", "no", "n/a", "null", "nil", "unknown", "-"})
_LONGEST = 4000  # characters of one text
_BY_METHOD = {"oral": "recording", "paper": "document", "signed": "document"}


@dataclass(frozen=True)
class Proof:
    """What kind of proof there is (one of PROOFS; None if only a text was given), and the texts by field."""

    kind: str | None
    texts: Mapping[str, str]

    def told_of(self, method: str) -> tuple[str, Mapping[str, str]]:
        """Return the kind and the texts; a bare text is taken for the proof that *method* calls for."""
        if self.kind:
            return self.kind, self.texts
        field = _BY_METHOD.get(method, "reference")
        kind = {"recording": "full_recording", "document": "document"}.get(field, "reference")
        return kind, {field: self.texts["reference"]}


class Evidence(fields.Field[Proof]):
    """Evidence, loaded as :class:`Proof`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Proof:
        if isinstance(value, str):
            text = _text(value)
            if text.casefold() in _NONE or text in ("url+snapshot", "directory"):
                raise ValidationError("Say where the proof is kept, or send an object that holds it.")
            return Proof(text if text in PROOFS else None, {"reference": text})
        if not isinstance(value, dict) or not value:
            raise ValidationError(f"Send a text, or an object with one or more of {', '.join(NAMES)}.")
        if unknown := sorted(str(name) for name in value if name not in NAMES and name != "type"):
            raise ValidationError(f"There is no {', '.join(unknown)}; name one or more of {', '.join(NAMES)}.")
        named = {name: _text(text) for name, text in value.items() if name != "type"}
        texts: dict[str, str] = {}
        for name, text in named.items():
            field = NAMES[name]
            texts[field] = f"{texts[field]}\n{text}" if field in texts else text
        kind = value.get("type", _kind(named))
        if kind not in PROOFS:
            raise ValidationError(f"type: one of {', '.join(PROOFS)}.")
        if not any(needed <= named.keys() for needed in _HELD_BY[kind]):
            ways = " or ".join(" and ".join(sorted(needed)) for needed in _HELD_BY[kind])
            raise ValidationError(f"A {kind} is held by {ways}.")
        return Proof(kind, texts)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or "\0" in value:
        raise ValidationError(f"Each text of evidence has 1 to {_LONGEST} characters.")
    return value.strip()


def _kind(named: Mapping[str, str]) -> str:
    if "recording" in named:
        return "full_recording"
    if "verification" in named:
        return "independent_verification"
    if {"url", "snapshot"} <= named.keys():
        return "url+snapshot"
    return next((name for name in ("directory", "document") if name in named), "reference")
