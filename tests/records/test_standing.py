"""The cached standing is what the law says of the entries, in every story, at every later instant."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from consent import addresses, catalogue, clock
from consent.law import decide as law
from consent.records import history, standing
from consent.records.append import Origin
from consent.records.standing import question
from consent.resources import folder
from consent.sends import many
from consent.setup import apply, read
from consent.store import catalogue as tables
from consent.store import database
from consent.store.standings import Standing
from tests.api.calling import Caller
from tests.house import House

TOPICS = ("acme/newsletter", "acme/promotions", "zest/newsletter", "zest/promotions")
_number = iter(range(10**9))
days = st.integers(0, 800) | st.sampled_from([0, 1, 2, 181, 182, 183, 184, 729, 730, 731, 732])
brands = st.sampled_from(["acme", "zest"])
zones = st.sampled_from([None, "America/Vancouver", "Asia/Tokyo"])
places = st.sampled_from([None, None, None, "US", "GB", "CA-QC"])
relationships = st.builds(
    lambda kind, brand, ago, zone, place: ("relate", kind, brand, ago, zone, place),
    st.sampled_from(["purchase", "inquiry", "contract", "subscription", "business_card", "donation"]),
    brands,
    days,
    zones,
    places,
)
endings = st.builds(
    lambda kind, brand, ago: ("end", kind, brand, ago), st.sampled_from(["contract", "subscription"]), brands, days
)
consents = st.builds(lambda topic, ago: ("agree", topic, ago), st.sampled_from(TOPICS), days)
noes = st.builds(
    lambda scope, ago: ("leave", scope, ago), st.sampled_from([*TOPICS, "acme", "zest", "all", "unspecified"]), days
)
stops = st.sampled_from([("stop", "hard_bounce"), ("stop", "manual"), ("stop", "complaint"), ("void",), ("sign up",)])
stories = st.lists(relationships | relationships | endings | consents | noes | stops, min_size=1, max_size=8)
steps = st.lists(st.integers(0, 800 * 24) | st.integers(0, 60), min_size=3, max_size=3)


def tell(api: Caller, house: House, email: str, act: tuple[Any, ...], entries: list[str]) -> None:
    def ago(number: int) -> str:
        return (clock.now() - timedelta(days=number)).isoformat()

    paths: dict[str, Any] = {
        "relate": lambda kind, brand, n, zone, place: ("/relationships", {"brand": brand, "kind": kind, "occurred_at": ago(n), "zone": zone, "place": place, "role_relevant": True, "no_spam_notice": False}),
        "end": lambda kind, brand, n: ("/relationships", {"brand": brand, "kind": kind, "occurred_at": ago(n + 400), "ended_at": ago(n)}),
        "agree": lambda topic, n: ("/consents", {"topic": topic, "method": "paper", "evidence": "card", "occurred_at": ago(n)}),
        "leave": lambda scope, n: ("/withdrawals", {"scope": scope, "channel": "phone", "occurred_at": ago(n)}),
        "stop": lambda reason: ("/suppressions", {"reason": reason}),
        "void": lambda: ("/relationships", {"brand": "acme", "voids": entries[-1] if entries else "none"}),
    }  # fmt: skip
    if act[0] == "sign up":
        house.sign_up(email)
        return
    path, body = paths[act[0]](*act[1:])
    answer = api.post(path, email=email, **{key: value for key, value in body.items() if value is not None})
    if answer.status_code == 201 and act[0] in ("relate", "end"):
        entries.append(answer.get_json()["entry"])
    assert answer.status_code == 201 or act[0] == "void", answer.text


def check(email: str, instants: list[datetime]) -> None:
    """Hold the cached rows and the batch against the law's answer from the entries at each of *instants*."""
    address = addresses.parse(email)
    with database.reading() as connection:
        past = history.find(connection, address.deny_key, address.consent_key)
        assert past is not None
        rows = {
            row.topic: row
            for row in connection.execute(select(Standing.__table__).where(Standing.contact_id == past.contact))
        }
    facts = past.facts()
    for slug in TOPICS:
        topic, row = catalogue.topic(slug), rows.get(slug)
        for at in instants:
            asked = question(topic, max(at, past.present(at)), place=past.place)
            decision = law.decide(asked, facts)
            verdict = many.ask(topic, [address], asked.at).get(address.consent_key, many.NOBODY)
            assert (verdict.allowed, verdict.state) == (bool(decision), decision.state), (slug, at, row)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories, steps)
def test_in_every_story_and_at_every_later_instant_the_standing_says_what_the_law_says(
    api: Caller, house: House, story: list[tuple[Any, ...]], hours: list[int]
) -> None:
    email, entries = f"somebody{next(_number)}@example.com", []
    for act in story:
        tell(api, house, email, act, entries)
    now = clock.now()
    check(email, [now, *(now + timedelta(hours=number) for number in hours)])


def test_a_topic_set_up_later_gets_the_standings_that_what_is_on_record_gives_it(api: Caller, house: House) -> None:
    sale = {"brand": "acme", "kind": "purchase", "occurred_at": (clock.now() - timedelta(days=9)).isoformat()}
    for email in ("buyer@example.com", "leaver@example.com"):
        api.post("/relationships", email=email, **sale)
    api.post("/relationships", email="american@example.com", **sale | {"brand": "zest", "place": "US"})
    api.post("/withdrawals", email="leaver@example.com", scope="all", channel="phone")
    with database.writing() as connection:
        row = {"slug": "acme/events", "brand": "acme", "settings": {"name": {"en": "Events", "fr": "Événements"}}}
        connection.execute(insert(tables.Topic), [row])
    topic = catalogue.topic("acme/events")
    assert standing.fill_in(clock.now()) == 3
    assert standing.fill_in(clock.now()) == 0
    asked = [addresses.parse(f"{name}@example.com") for name in ("buyer", "leaver", "american")]
    found = many.ask(topic, asked, clock.now())
    assert [found[address.consent_key].allowed for address in asked] == [True, False, True]
    for address in asked:
        check(address.typed, [clock.now()])


def test_the_two_windows_that_zones_can_tear_apart_are_both_kept(api: Caller, house: House, later: Any) -> None:
    now = clock.now()
    body = {"email": "torn@example.com", "brand": "acme"}
    api.post("/relationships", **body, kind="purchase", occurred_at=now.isoformat(), zone="Pacific/Honolulu")
    api.post(
        "/relationships", **body, kind="inquiry", occurred_at=(now - timedelta(days=184)).isoformat(), zone="Asia/Tokyo"
    )
    check("torn@example.com", [now + timedelta(hours=number) for number in range(0, 72, 2)])


def batch(email: str, topic: str) -> bool:
    """Whether the standing lets mail about *topic* go to *email* now."""
    address = addresses.parse(email)
    return many.ask(catalogue.topic(topic), [address], clock.now()).get(address.consent_key, many.NOBODY).allowed


def test_a_spelling_in_another_country_keeps_its_own_place(api: Caller, house: House) -> None:
    long_ago = (clock.now() - timedelta(days=400)).isoformat()
    api.post("/relationships", email="Two@example.com", brand="acme", kind="inquiry", occurred_at=long_ago)
    api.post("/relationships", email="two@example.com", brand="acme", kind="question", occurred_at=long_ago, place="US")
    assert [batch(email, "acme/newsletter") for email in ("Two@example.com", "two@example.com")] == [False, True]
    for email in ("Two@example.com", "two@example.com"):
        check(email, [clock.now()])


def test_a_no_told_under_one_spelling_follows_a_shared_consent_given_under_another(api: Caller, house: House) -> None:
    shared = {"method": "unknown_third_party", "collector": "listco", "conditions_met": True, "evidence": "list 9"}
    ago = (clock.now() - timedelta(days=9)).isoformat()
    for brand in ("acme", "zest"):
        api.post("/consents", email="Shared@example.com", brand=brand, occurred_at=ago, **shared)
    assert batch("Shared@example.com", "zest/newsletter")
    told = {"scope": "all", "brand": "listco", "channel": "other_authorized_user"}
    assert api.post("/withdrawals", email="shared@example.com", **told).status_code == 201
    assert not batch("Shared@example.com", "zest/newsletter")
    check("Shared@example.com", [clock.now()])


def test_an_organization_that_moves_to_another_country_is_judged_anew(
    api: Caller, house: House, tmp_path: Path
) -> None:
    ago = (clock.now() - timedelta(days=900)).isoformat()
    api.post("/relationships", email="moved@example.com", brand="acme", kind="inquiry", occurred_at=ago, place="US")
    assert batch("moved@example.com", "acme/newsletter")
    acme = (folder("examples") / "acme.toml").read_text("utf-8")
    (tmp_path / "moved.toml").write_text(acme.replace('country = "CA"', 'country = "GB"'), "utf-8")
    changes = apply.apply(read.read(tmp_path / "moved.toml"), Origin("log", clock.now()))
    assert any("computed" in change for change in changes)
    assert not batch("moved@example.com", "acme/newsletter")
    check("moved@example.com", [clock.now()])


def test_a_batch_names_the_ground_that_lasts_and_not_one_that_ran_before_it(api: Caller, house: House) -> None:
    for kind, ago in (("inquiry", 30), ("purchase", 0)):
        at = (clock.now() - timedelta(days=ago)).isoformat()
        api.post("/relationships", email="both@example.com", brand="acme", kind=kind, occurred_at=at)
    address = addresses.parse("both@example.com")
    assert (
        many.ask(catalogue.topic("acme/newsletter"), [address], clock.now())[address.consent_key].basis
        == "casl.10(10)(a)"
    )
