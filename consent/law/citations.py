"""The provisions that decisions cite and rules rest on: statute, section, and what it says in one plain sentence.

The sentences are ours, not the statute's words. An unknown section is a KeyError, which the tests find. Checked
against the consolidated texts of November 2026; the sentence of a provision that was read in a secondary text
only ends in "(secondary)".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PARAGRAPH = re.compile(r"\(([a-z]+)\)")  # French law writes 10(10)a) for 10(10)(a)


@dataclass(frozen=True)
class Statute:
    """One law or bulletin: its title, and how English and French cite a section of it."""

    title: str
    english: str
    french: str

    @property
    def canadian(self) -> bool:
        """Whether its French text has its own numbering of paragraphs."""
        return self.french.endswith(" art. ")


_CASL = Statute("Canada's anti-spam legislation (CASL)", "S.C. 2010, c. 23, s. ", "L.C. 2010, ch. 23, art. ")
_ECPR = Statute("Electronic Commerce Protection Regulations (CRTC)", "SOR/2012-36, s. ", "DORS/2012-36, art. ")
_GIC = Statute(
    "Electronic Commerce Protection Regulations (Governor in Council)", "SOR/2013-221, s. ", "DORS/2013-221, art. "
)
_I21 = Statute("Interpretation Act (Canada)", "R.S.C. 1985, c. I-21, s. ", "L.R.C. 1985, ch. I-21, art. ")
_CRTC = Statute("CRTC compliance and enforcement bulletins", "CRTC ", "CRTC ")
_FCA = Statute("Federal Court of Appeal", "", "")
_USC = Statute("CAN-SPAM Act of 2003", "15 U.S.C. ", "15 U.S.C. ")
_CFR = Statute("CAN-SPAM Rule (FTC)", "16 CFR ", "16 CFR ")
_PECR = Statute(
    "Privacy and Electronic Communications (EC Directive) Regulations 2003", "S.I. 2003/2426, reg. ", "S.I. 2003/2426, reg. "
)  # fmt: skip
_GDPR = Statute("General Data Protection Regulation", "GDPR Art. ", "RGPD art. ")
_EPRIVACY = Statute("ePrivacy Directive", "Directive 2002/58/EC Art. ", "Directive 2002/58/CE art. ")
_QC = Statute(
    "Act respecting the protection of personal information in the private sector (Québec)",
    "CQLR, c. P-39.1, s. ", "RLRQ, ch. P-39.1, art. ",
)  # fmt: skip
_COMPETITION = Statute("Competition Act (Canada)", "R.S.C. 1985, c. C-34, s. ", "L.R.C. 1985, ch. C-34, art. ")
_CHARTER = Statute("Charter of the French language (Québec)", "CQLR, c. C-11, s. ", "RLRQ, ch. C-11, art. ")
_RFC = Statute("Internet standards", "RFC ", "RFC ")
_PROVIDERS = Statute("Mailbox providers and their filters", "", "")
_POLICY = Statute("Practice that this service follows beyond the law", "", "")


@dataclass(frozen=True)
class Provision:
    """One section of one statute."""

    statute: Statute
    section: str
    says: str

    def __str__(self) -> str:
        return self.statute.english + self.section

    def cite(self, language: str) -> str:
        """Return the citation as a reader of *language* (en, fr) writes it."""
        if language != "fr":
            return str(self)
        section = _PARAGRAPH.sub(r"\1)", self.section) if self.statute.canadian else self.section
        return self.statute.french + section


def _table(statute: Statute, sections: Mapping[str, str]) -> dict[str, Provision]:
    return {section: Provision(statute, section, says) for section, says in sections.items()}


CASL = _table(
    _CASL,
    {
        "1(2)": "A message is commercial if one of its purposes, seen from its content or its links, is commercial.",
        "1(3)": "A message that asks for consent is itself a commercial message.",
        "6(1)(a)": "No commercial message without the express or implied consent of the person it is sent to.",
        "6(2)(a)": "A message identifies who sent it and, if somebody else, on whose behalf.",
        "6(2)(b)": "A message gives the information by which its sender can readily be contacted.",
        "6(2)(c)": "A message sets out a way to unsubscribe that works at once and costs nothing.",
        "6(3)": "The contact information stays valid for at least sixty days after the message was sent.",
        "6(4)": "A message counts as sent once its transmission starts, whether or not it arrives.",
        "6(6)": "Some messages need no consent if they do solely a listed thing; one promotion more and they do.",
        "6(6)(a)": "A quote or estimate that the person asked for needs no consent.",
        "6(6)(b)": "A message that completes or confirms a transaction the person agreed to needs no consent.",
        "6(6)(c)": "Warranty, recall, safety or security information about what the person bought needs no consent.",
        "6(6)(d)": "Factual information about a running subscription, membership, account or loan needs no consent.",
        "10(1)": "Who asks for express consent must say clearly for what purpose, and who is asking.",
        "10(1)(a)": "A consent covers the purposes that were set out when it was asked for, and no others.",
        "10(1)(b)": "A consent covers those who were named when it was asked for, and nobody else.",
        "10(2)": "Consent for a person not yet known counts only under the conditions of the regulations.",
        "10(9)": "Consent is implied only in the listed cases; receiving or opening a message is not among them.",
        "10(9)(b)": "Consent is implied if the person published the address without a refusal and it bears on their role.",
        "10(9)(c)": "Consent is implied if the person gave the sender the address without a refusal and it bears on their role.",
        "10(10)(a)": "A purchase, lease or barter from the sender implies consent for the two years after its day.",
        "10(10)(d)": "A written contract implies consent while it runs and for two years after it ended.",
        "10(10)(e)": "An inquiry or application about those implies consent for the six months after its day.",
        "10(12)": "Who buys a business takes over its existing business relationships, with their clocks running on.",
        "10(13)(a)": "A donation to a registered charity, party or candidate implies consent for two years.",
        "10(13)(b)": "Volunteering for a registered charity, party or candidate implies consent for two years.",
        "10(13)(c)": "Membership in a club, association or voluntary organization implies consent.",
        "10(14)": "While a subscription, account, loan or membership runs it implies consent; two years begin on the day it ends.",
        "11(1)(a)": "The person can refuse any further message, or any class of messages, from the sender.",
        "11(1)(b)": "A message names an electronic address or a page to which the refusal can be sent.",
        "11(2)": "That address or page stays valid for at least sixty days after the message was sent.",
        "11(3)": "A withdrawal takes effect without delay, at most ten business days after it was sent.",
        "12(1)": "The law applies if a computer in Canada is used to send or to open the message.",
        "13": "Who says that there is consent must prove it.",
        "66": "Consent implied by relationships from before 1 July 2014 ended three years after that day, or earlier.",
    },
)
ECPR = _table(
    _ECPR,
    {
        "2(1)(a)": "A message gives the name by which its sender does business, or else the sender's own name.",
        "2(1)(b)": "A message gives the business name of the person on whose behalf it is sent, if that is another.",
        "2(1)(c)": "A message sent for somebody else says who sends it and on whose behalf.",
        "2(1)(d)": "A message gives a mailing address, and a phone number, an e-mail address or a web address.",
        "3(1)": "Who sent a message and how to unsubscribe are set out clearly and prominently.",
        "3(2)": "The way to unsubscribe is readily performed.",
        "4": "A request for consent names who asks, gives a mailing address and a phone, e-mail or web contact, "
        "and says that consent can be withdrawn.",
    },
)
GIC = _table(
    _GIC,
    {
        "3(b)": "A message that answers a person's own request, question or complaint is outside of the Act's section 6.",
        "3(c)": "A message sent to meet a legal duty, or to enforce a right, is outside of the Act's section 6.",
        "3(f)": "A message believed to be opened in a listed foreign state is left to that state's law.",
        "3(g)": "A registered charity's message whose main purpose is raising funds is outside of the Act's section 6.",
        "4(1)": "The first message after a referral needs no consent if it names who referred the person.",
        "5(1)": "A consent for unknown third parties counts only if each message lets the person withdraw from all of them.",
        "5(2)": "A withdrawal told to the collector or one user reaches everybody who may use that consent.",
        "7": "A membership counts if a non-profit club, association or voluntary organization accepted it.",
    },
)
INTERPRETATION = _table(
    _I21,
    {
        "27(2)": "Between two days the first is left out and the last is counted.",
        "27(3)": "A time that begins on a day includes that day.",
        "27(5)": "A time before a day does not include that day.",
        "28": "Months end on the day with the same number, or on the last day of the month.",
        "37(1)": "A year is twelve months in a row.",
    },
)
CRTC = _table(
    _CRTC,
    {
        "2012-548": "Oral consent is proven by a full recording or an independent verification; terms of use carry no consent.",
        "2012-549": "A box ticked in advance is no consent; the person must act.",
    },
)
COURT = _table(
    _FCA,
    {"2020 FCA 103": "A job title does not make a message relevant, nor is a third party's directory the person's own "
     "publication; an unsubscribe link that is dead is a breach even beside one that works."},
)  # fmt: skip
USC = _table(
    _USC,
    {
        "7702(17)(A)": "Messages about a transaction, warranty, recall, safety, account or employment are not commercial.",
        "7704(a)(1)": "The headers of a message, its From line first, are true and lead to who sent it.",
        "7704(a)(2)": "The subject does not mislead about what the message holds.",
        "7704(a)(3)(A)": "A message shows clearly how to refuse further ones, and that works for at least thirty days.",
        "7704(a)(3)(B)": "A menu may let the person choose which messages to stop, if it offers to stop them all.",
        "7704(a)(4)(A)": "Who asked not to be written to must not be written to again; the request never lapses.",
        "7704(a)(4)(A)(iv)": "The address of who asked not to be written to must not be passed on, save to comply with the law.",
        "7704(a)(4)(B)": "Only the person's later affirmative consent ends such a request.",
        "7704(a)(5)(A)": "A commercial message says clearly how to refuse further ones, and gives a valid postal address.",
    },
)
CFR = _table(
    _CFR,
    {"316.2(p)": "A postal address is a street address, a post office box or a private mailbox that is registered.",
     "316.3(a)(2)": "A message that mixes a transaction with an offer is commercial by its subject or by what comes first."},
)  # fmt: skip
PECR = _table(
    _PECR,
    {
        "22(2)": "No marketing e-mail to an individual without prior consent.",
        "22(3)": "A seller may mail a customer about similar products if a simple refusal was offered then and each time.",
    },
)
GDPR = _table(
    _GDPR,
    {
        "4(11)": "Consent is free, specific, informed and unambiguous, by a clear affirmative act.",
        "7(1)": "The sender must be able to prove that the person consented.",
        "17(3)": "Erasure leaves what the law requires to be kept, such as a bare mark not to write again.",
        "21(3)": "Who objects to direct marketing is not mailed for that purpose any more.",
    },
)
EPRIVACY = _table(
    _EPRIVACY,
    {
        "13(1)": "No marketing e-mail without prior consent.",
        "13(2)": "A seller may mail a customer about similar products if a simple refusal was offered then and each time.",
    },
)
QUEBEC = _table(
    _QC, {"14": "Consent is asked for each purpose apart, and lasts only as long as the purpose needs (secondary)."}
)
COMPETITION = _table(
    _COMPETITION,
    {"74.011": "No false or misleading sender, subject or link in an electronic message, to promote a product (secondary)."},
)  # fmt: skip
CHARTER = _table(_CHARTER, {"52": "Advertising and the like is drawn up in French for readers in Québec (secondary)."})
RFC = _table(
    _RFC,
    {
        "2046 s. 4.1.2": "A text names the character set that it is written in.",
        "2046 s. 5.1.1": "The parts of a multipart stand between lines of its boundary, and the last one is closed.",
        "2046 s. 5.1.4": "The alternatives of a message say the same, the plainest first.",
        "2047 s. 5": "An encoded word stands for text that people read, and never inside an address or a link.",
        "2369 s. 2": "A List field holds its links in angle brackets, with commas between and no space inside.",
        "2369 s. 3": "Each List field stands at most once.",
        "2919 s. 3": "A message of a list names the list in one List-Id field.",
        "5322 s. 2.2": "The head of a message is lines of a name, a colon and a value in ASCII; an empty line ends it.",
        "5322 s. 3.6": "A message has one Date and one From field, and no field twice that may stand once.",
        "5322 s. 3.6.2": "From names the mailbox of who is responsible for the message; replies go to Reply-To, if it is there.",
        "5322 s. 3.6.4": "Every message should have a Message-ID that is unique in the world.",
        "8058 s. 3.1": "One-click needs one HTTPS link in List-Unsubscribe, and List-Unsubscribe-Post with the one value.",
        "8058 s. 4": "A DKIM signature covers both List-Unsubscribe and List-Unsubscribe-Post.",
    },
)
PROVIDERS = _table(
    _PROVIDERS,
    {
        "Google Email sender guidelines": "One-click and a visible link; a List-Id or From of its own for each list; signed.",
        "Google message clipping": "Gmail shows the first 102 kB of a message, and the rest behind a link (secondary).",
        "Yahoo Sender best practices": "One-click unsubscribe, acted on within two days, in mail that is signed (secondary).",
        "SpamAssassin and rspamd rules": "What filters count against a message by its form, whoever sent it.",
    },
)
POLICY = _table(
    _POLICY,
    {
        "Mailbox providers' sender rules": "An address that bounces for good is not written to again.",
        "Words that no sender meant to send": "A field of a template that was not filled in is a fault of the message.",
        "Withdrawals are acknowledged on the page": "No mail acknowledges a withdrawal; it would be one message more.",
        "Spamhaus Marketing FAQ": "Nobody is added to a list unless they answer; a welcome mail that subscribes is opt-out.",
    },
)
TABLES = (CASL, ECPR, GIC, INTERPRETATION, CRTC, COURT, USC, CFR, PECR, GDPR, EPRIVACY, QUEBEC, COMPETITION, CHARTER, RFC,
          PROVIDERS, POLICY)  # fmt: skip
