"""Every page that subscribers meet: one line each. A page of ours that is not in this list fails a test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from consent import clock
from consent.web import dwell
from tests.house import TICKED, House

_people = count()


@dataclass(frozen=True)
class Story:
    """Somebody for each page, so that none is in the way of another."""

    house: House
    language: str

    def letter(self, form: str = "acme-news"):
        """Return the confirmation mail of somebody new."""
        address = f"person{next(_people)}@example.com"
        topics = ["zest/newsletter"] if form == "zest-news" else ["acme/newsletter", "acme/promotions"]
        self.house.sign_up(address, topics, form, language=self.language)
        return self.house.letters(address)[-1]

    def filled(self) -> Mapping[str, str | list[str]]:
        """Return a sign-up as our own page sends it, which somebody has had open for three seconds."""
        opened = clock.now() - timedelta(seconds=3)
        made = dwell.stamp("acme-news", self.house.app.config["CONSENT"].secret_keys, opened)
        return {"email": "eve@example.com", "topic": "acme/newsletter", "made": made}

    def asked(self, purpose: str = "c") -> str:
        """Return a link of a confirmation mail that nobody answered yet."""
        letter = self.letter()
        return self.house.one_click(letter) if purpose == "u" else self.house.link(letter, purpose)

    def agreed(self, purpose: str) -> str:
        """Return a link of somebody who confirmed."""
        letter = self.letter()
        self.house.client.post(self.house.link(letter, "c"), data=TICKED)
        welcome = self.house.letters(str(letter["To"]))[-1]
        return self.house.one_click(welcome) if purpose == "u" else self.house.link(welcome, purpose)

    def left(self) -> str:
        """Return the confirmation link of somebody who said no."""
        letter = self.letter()
        self.house.press_unsubscribe(letter)
        return self.house.link(letter, "c")


@dataclass(frozen=True)
class Shown:
    """How to come to a page: its path, and what is posted there, if it is one that answers a POST."""

    name: str
    path: Callable[[Story], str]
    posted: Mapping[str, str | list[str]] | Callable[[Story], Mapping[str, str | list[str]]] | None = None
    status: int = 200

    def sends(self, story: Story) -> Mapping[str, str | list[str]]:
        """Return what is posted."""
        return self.posted(story) if callable(self.posted) else self.posted or {}


_SAVE = {"act": "save", "shown": ["acme/newsletter"], "topic": [], "language": "en"}
PAGES = (
    Shown("index", lambda story: "/"),
    Shown("sign-up", lambda story: "/s/acme-news"),
    Shown("sign-up in a frame", lambda story: "/embed/acme-news"),
    Shown("sign-up in a frame with mistakes", lambda story: "/embed/acme-news", {"email": "eve@"}, 422),
    Shown("sign-up of another brand", lambda story: "/s/zest-news"),
    Shown("sign-up with mistakes", lambda story: "/s/acme-news", {"email": "eve@"}, 422),
    Shown("check your inbox", lambda story: "/s/acme-news", Story.filled),
    Shown("confirm, with boxes", lambda story: story.asked()),
    Shown("confirm, ticks missing", lambda story: story.asked(), {"confirm": "yes"}, 422),
    Shown("confirm, the form nobody sees", lambda story: story.asked() + "/now", {"confirm": "yes"}, 422),
    Shown("confirmed", lambda story: story.asked(), TICKED),
    Shown("confirm, ended", lambda story: story.left(), status=404),
    Shown("a link that is none", lambda story: "/c/" + "a" * 40, status=404),
    Shown("unsubscribe", lambda story: story.agreed("u")),
    Shown("not me", lambda story: story.asked("u")),
    Shown("unsubscribed", lambda story: story.agreed("u"), {"scope": "topic"}),
    Shown("unsubscribed from all", lambda story: story.agreed("u"), {"scope": "organization"}),
    Shown("not me, dropped", lambda story: story.asked("u"), {"scope": "signup"}),
    Shown("preferences", lambda story: story.agreed("p")),
    Shown("preferences, saved", lambda story: story.agreed("p"), _SAVE),
    Shown("preferences, left", lambda story: story.agreed("p"), {"act": "leave_all"}),
    Shown("receipt", lambda story: story.agreed("r")),
    Shown("find", lambda story: "/find"),
    Shown("find with a mistake", lambda story: "/find", {"email": "eve"}, 422),
    Shown("find, sent", lambda story: "/find", {"email": "eve@example.com"}),
    Shown("no such page", lambda story: "/nowhere", status=404),
    Shown("the demo's mailbox", lambda story: "/dev/mailbox/"),
)
#: What the pages' blueprints answer besides: for programs, and the demo's view of one message, which frames the mail's
#: own HTML in a sandbox that no script of a test can look into.
NO_PAGES = frozenset(
    {
        "pages.brand_css", "pages.preflight", "pages.healthz", "pages.readyz", "pages.scrape", "pages.security_txt", "pages.robots_txt",
        "mailbox.raw", "mailbox.html", "mailbox.message",
    }
)  # fmt: skip
