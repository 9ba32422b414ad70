"""The provisions that decisions cite: statute, section, and what it says in one plain sentence."""

from dataclasses import dataclass

_CASL = "S.C. 2010, c. 23"
_ECPR = "SOR/2012-36"
_GIC = "SOR/2013-221"


@dataclass(frozen=True)
class Provision:
    """One section of one statute."""

    statute: str
    section: str
    says: str

    def __str__(self) -> str:
        return f"{self.statute}, s. {self.section}"


def _table(statute: str, sections: dict[str, str]) -> dict[str, Provision]:
    return {section: Provision(statute, section, says) for section, says in sections.items()}


#: Canada's anti-spam legislation. An unknown section is a KeyError, which the tests find.
CASL = _table(
    _CASL,
    {
        "1(3)": "A message that asks for consent is itself a commercial message.",
        "6(1)(a)": "No commercial message without the express or implied consent of the person it is sent to.",
        "10(1)": "Who asks for express consent must say clearly for what purpose, and who is asking.",
        "10(9)": "Consent is implied only in the listed cases; receiving or opening a message is not among them.",
        "11(3)": "A withdrawal takes effect without delay, at most ten business days after it was sent.",
        "13": "Who says that there is consent must prove it.",
    },
)

#: The CRTC's regulations on the form of messages and requests.
ECPR = _table(
    _ECPR,
    {
        "4": "A request for consent names who asks, gives a mailing address and a phone, e-mail or web contact, "
        "and says that consent can be withdrawn.",
    },
)

#: The Governor in Council's regulations.
GIC = _table(
    _GIC,
    {
        "3(b)": "A message that answers a person's own request needs no consent.",
    },
)
