"""Write docs/law.md from the rules themselves: ``make docs``. A test holds the page equal to what this writes.

What the page says comes from three places: the provisions and readings (data), the docstrings of the rules, and the
dated cases of tests/law/cases, each of which the tests run.
"""

import csv
import inspect
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import ModuleType

from consent.law import can_spam, cases, casl, citations, decide, express, facts, implied, kinds, labels, periods, uk_eu
from consent.law import findings as message_findings
from consent.law.decision import Decision, Deny
from consent.law.readings import READINGS
from consent.law.sentences import FACTS, NOUNS, say

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "law" / "cases"
SUBJECTS = {
    "express": "Express consent",
    "double_opt_in": "Double opt-in: sign-up, confirmation, and what is no consent",
    "purchase": "Purchases",
    "inquiry": "Inquiries",
    "ongoing": "Contracts, subscriptions, memberships, donations",
    "published": "Published and disclosed addresses, referrals, lists",
    "withdrawal": "Withdrawals and the order of things",
    "kinds": "Kinds of message",
    "places": "Places: which law governs",
}
INTRO = f"""# The law, as this service applies it

This page is written by `make docs` from the rules that the service runs, so it cannot say anything else than they do.
It is no legal advice. Rules of version {decide.RULES}.

**How to read it.** A decision is made from *facts*: each is one entry of the ledger, with the instant at which it
happened and the instant at which it was recorded. Part 1 is the order in which the rules are asked. Part 2 are the rules,
each with the section it applies. Part 3 are the choices we made where the text leaves room. Part 4 are the provisions, each
in a plain sentence of ours. Part 5 are the dated cases by which all of it is tested; write your own in a spreadsheet with
the same columns and run them with `consent law cases FILE.csv`.

Receipt or opening of a welcome e-mail is a fact about delivery, **never consent to a newsletter**: consent is implied "only
if" a case of CASL s. 10(9) is met, and a delivery, an open or a click is none of them.
"""
ORDER = """## 1. The order of the questions

1. **Can mail arrive at all?** An address that bounces for good, or that does not exist, is written nothing of any kind,
   until the person confirms a new sign-up from it. A person who had their data erased is written nothing.
2. **Does this kind of message need consent?** A receipt, recall, answer and the like do not, if the fact that they are
   about is on record; they then survive every withdrawal. Without that fact they are denied, and the fact is named.
3. **Which laws govern?** Those of the sender's and of the person's place (below). Every one must allow.
4. **What did the person last say?** The latest "no" that covers the topic denies, unless a valid express consent is later.
   In the same instant the "no" wins. What counts is when things happened, not when they were recorded.
5. **Is consent implied?** Only where the person never said no. Any one relationship whose period is running allows.
6. **Else no**, naming the nearest thing on record that is not consent, and what to do.
"""


def page() -> str:
    """Return the whole page."""
    parts = [INTRO, ORDER, "## 2. The rules\n", *_rules(), _readings(), _provisions(), *_cases()]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _rules() -> Iterator[str]:
    yield "### What the person said\n"
    yield _says(express)
    yield _rule("When an express consent is valid", express.flaw)
    yield f"Acts that count: {', '.join(f'`{name}`' for name in sorted(express.OPT_IN_METHODS))}.\n"
    yield _rule("Which word is the last", express.last_word)
    yield _rule('How far a "no" reaches', facts.Withdrawal.covers)
    yield _scopes()
    yield "### What is implied (Canada)\n"
    yield _says(implied)
    yield _grounds()
    yield _rule("Which relationships count", implied._counts)
    yield _rule("When what ran has ended", implied.end_of)
    yield "### How time is counted\n"
    yield _says(periods)
    yield _examples()
    yield _rule("Two calendars", periods.window)
    yield _rule("Acting on a withdrawal", periods.act_by)
    yield "### Messages that need no consent\n"
    yield _says(kinds)
    yield _kinds()
    yield _rule("The confirmation mail", kinds._confirmation)
    yield _rule("A mail that asks for consent", decide._consent_request)
    yield _rule("Passing the address on", decide._transfer)
    yield "### Which law governs\n"
    yield _rule("", decide.governing)
    yield _regimes()
    yield _rule("Canada", casl.commercial)
    yield _rule("The United States", can_spam.commercial)
    yield _rule("The United Kingdom, the EU and the EEA", uk_eu._commercial)
    yield _rule("What a request for consent must say", casl.notice_gaps)
    yield "### What a message must carry\n"
    yield _says(message_findings)
    yield _findings()


def _findings() -> str:
    rows = [
        (f"`{key}`", rule.level, str(rule.citation), rule.english.replace("{", "*").replace("}", "*"))
        for key, rule in message_findings.RULES.items()
    ]
    return _table(("finding", "level", "provision", "what it says"), rows)


def _scopes() -> str:
    rows = [
        ('pressed one-click, or chose "this one"', "the topic"),
        ("left a brand", "every topic of the brand"),
        ('chose "everything", wrote STOP, complained of spam, objected', "every brand of the organization"),
        ("told a collector of consents, or another user of them", "the collector and all users"),
        ("the address bounces", "none of this: delivery stops, consent stays on record"),
    ]
    return _table(("the person", "what it reaches"), rows)


def _grounds() -> str:
    spans = {None: "no limit", implied.TWO_YEARS: "two years", implied.SIX_MONTHS: "six months"}
    rows = []
    for name, rule in implied.RULES.items():
        since = "while it runs, and then " if rule.runs else ""
        counted = ", beginning on the day it ended" if rule.begins_on else ""
        passes = "yes" if rule.business else "no"
        rows.append(
            (NOUNS[name][0].removeprefix("The "), str(rule.citation), since + spans[rule.months] + counted, passes)
        )
    return _table(("relationship", "provision", "consent is implied", "passes to who buys the business"), rows)


def _examples() -> str:
    samples = [
        ("purchase", date(2024, 5, 20), implied.TWO_YEARS, False),
        ("purchase", date(2024, 2, 29), implied.TWO_YEARS, False),
        ("purchase", date(2026, 2, 28), implied.TWO_YEARS, False),
        ("inquiry", date(2025, 8, 31), implied.SIX_MONTHS, False),
        ("inquiry", date(2026, 2, 28), implied.SIX_MONTHS, False),
        ("subscription that ended", date(2024, 5, 20), implied.TWO_YEARS, True),
        ("contract that ended", date(2024, 5, 20), implied.TWO_YEARS, False),
    ]
    rows = [
        (f"{what} on {day}", str(periods.last_day(day, months, begins_on=begins)))
        for what, day, months, begins in samples
    ]
    return _table(("event", "last day on which mail is allowed"), rows)


def _kinds() -> str:
    rows = []
    for kind in kinds.KINDS:
        if kind in kinds._FACTS:
            rows.append((f"`{kind}`", FACTS[kind][0], str(kinds._FACTS[kind][1])))
        elif kind in kinds._WITHOUT_FACT:
            fact = FACTS[kind][0] if kind in FACTS else "none on record; keep a note"
            rows.append((f"`{kind}`", fact, str(kinds._WITHOUT_FACT[kind][1])))
        elif kind == "confirmation":
            rows.append((f"`{kind}`", FACTS[kind][0], str(citations.GIC["3(b)"])))
        else:
            rows.append((f"`{kind}`", _JUDGED.get(kind, "judged as commercial"), ""))
    return _table(("kind", "the fact it needs", "provision"), rows)


_JUDGED = {
    "commercial": "consent; also what is asked when no kind is named",
    "receipt_with_offer": "judged as the brand's promotions",
    "consent_request": "any consent under the brand (below)",
    "unsubscribe_ack": "never allowed",
    "address_transfer": "see below",
}


def _regimes() -> str:
    rows = [
        ("Canada", "Canada, a province, unknown, or a place without rules here", "Canada"),
        ("Canada", "United States; United Kingdom; EU or EEA", "the person's law alone, SOR/2013-221 s. 3(f)"),
        ("United States; United Kingdom; EU or EEA", "Canada or unknown", "Canada and the sender's law"),
        ("United States; United Kingdom; EU or EEA", "another of these", "both laws"),
        ("anywhere else, or unknown", "anywhere", "as if sent from Canada"),
    ]
    return _table(("sent from", "to somebody in", "must allow"), rows)


def _readings() -> str:
    rows = [(f"`{name}`", f"`{r.chosen}`", str(r.citation), r.english) for name, r in READINGS.items()]
    head = "## 3. Where another reading is arguable\n\nBy each of these less mail is sent. A decision that rests on one names it.\n"
    return head + "\n" + _table(("reading", "chosen", "provision", "both sides"), rows)


def _provisions() -> str:
    parts = ["## 4. The provisions\n"]
    for table in citations.TABLES:
        statute = next(iter(table.values())).statute
        rows = [(str(provision), provision.cite("fr"), provision.says) for provision in table.values()]
        parts += [f"### {statute.title}\n", _table(("cited as", "in French", "what it says"), rows)]
    return "\n".join(parts)


def _cases() -> Iterator[str]:
    yield "## 5. The cases\n"
    yield (
        "The facts of a case are numbered E1, E2 …; an answer names the one that it rests on. Times are those of the place.\n"
        "`acme` and `zest` are two brands of one organization in Toronto; every other brand is an\n"
        "organization of its own. *Settled*: yes, the text says so; no, another reading is arguable; policy, we go further than\n"
        "the law. Besides the codes below, the column `basis` of a case may hold one of these labels, which mean the same:\n"
    )
    yield ", ".join(f"`{name}`" for name in labels.LABELS) + ".\n"
    for name, title in SUBJECTS.items():
        with (CASES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = [_case(row) for row in csv.DictReader(file)]
        yield f"### {title}\n"
        yield _table(("case", "on record", "asked", "answer", "what is said", "settled", "why"), rows)


def _case(row: dict[str, str]) -> tuple[str, ...]:
    told = json.loads(row["history"])
    history = "<br>".join(f"E{number} {_fact(fact)}" for number, fact in enumerate(told, 1)) or "nothing"
    what = row["topic"] or row["brand"]
    asked = f"{_time(row['asked_at'])}: {row['kind']}, {what}, {row['sender_place'] or '?'} → {row['recipient_place'] or '?'}"
    case = cases.read(row)
    answer = decide.decide(case.question, case.facts)
    basis = f", {answer.basis} {answer.basis.since or ''} to {answer.basis.until or 'no end'}" if answer.basis else ""
    verdict = f"**{'allow' if answer else 'deny'}** `{answer.code}` ({answer.state}{basis})"
    return row["id"], history, asked, verdict, _said(answer), row["settled"], row["note"]


def _said(answer: Decision) -> str:
    """Return everything that the answer says: reasons in both languages with section and fact, readings, the cure."""
    lines = []
    for reason in answer.reasons:
        fact = f" ({reason.fact.entry})" if reason.fact else ""
        lines += [f"{reason.text('en')} {reason.citation}{fact}", f"*{reason.text('fr')}*"]
    lines += [f"reading `{name}`" for name in answer.unsettled]
    lines += [f"not consent: {fact.kind} ({fact.entry})" for fact in answer.not_consent]
    if isinstance(answer, Deny):
        lines.append(f"→ {say(answer.remedy)}")
    return "<br>".join(lines)


def _fact(fact: dict[str, object]) -> str:
    known = {"at", "kind", "recorded_at", "brand", "topic", "type"}
    subject = " ".join(str(fact[name]) for name in ("type", "topic") if name in fact)
    about = subject if "topic" in fact else f"{subject} {fact['brand']}".strip()
    more = [name if value is True else f"{name} {_plain(value)}" for name, value in fact.items() if name not in known]
    late = f", recorded {_time(str(fact['recorded_at']))}" if "recorded_at" in fact else ""
    return f"{_time(str(fact['at']))} {fact['kind']} {about}{late}" + (f" ({', '.join(more)})" if more else "")


def _plain(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", False: "no"}[value]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _time(text: str) -> str:
    return re.sub(r"T(\d\d:\d\d)(:00(\.0+)?)?(?=[-+Z])", r" \1", text).removesuffix(":00").removesuffix("Z")[:32]


def _says(thing: ModuleType | Callable[..., object]) -> str:
    """Return the docstring of *thing* as Markdown."""
    text = inspect.cleandoc(thing.__doc__ or "")
    text = re.sub(r":\w+:`(?:[\w.]*\.)?(\w+)`", r"`\1`", text).replace("``", "`")
    return re.sub(r"(?<![`*])\*(?=\w)([^*`]+?)(?<=\w)\*", r"*\1*", text) + "\n"


def _rule(title: str, thing: Callable[..., object]) -> str:
    """Return what the docstring of *thing* says for lawyers: all but its first paragraph, which is for programmers."""
    _, _, law = _says(thing).partition("\n\n")
    return (f"#### {title}\n\n" if title else "") + law


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "law.md").write_text(page(), "utf-8")
