"""Who writes, where they are, how to leave: PF-1 to PF-3, PF-10, UN-1, UN-5, UN-6."""

from dataclasses import replace

import pytest

from consent.law.message import Probe, check, read
from tests.law.letters import ABOUT, ADDRESS, FOOTER, HTML, PREFERENCES, TEXT, UNSUBSCRIBE, WORDS, found, keys, letter

FRENCH = (
    "Le printemps est loin et le jardin dort sous la neige. Nous avons fait trois gadgets pour le jour où il se réveille : "
    "un qui arrose, un qui compte les abeilles et un qui vous dit que les pois sont mûrs. Venez les voir avec nous."
)
FRENCH_FOOTER = (
    f"Acme, un nom d’Acme Widgets Inc.\n{ADDRESS}\n+1 416 555 0100\n"
    f"Vos préférences : {PREFERENCES}\nSe désabonner : {UNSUBSCRIBE}\n"
)


def changed(old: str, new: str) -> bytes:
    """Return the good message with *old* replaced in both of its texts."""
    assert old in TEXT and old in HTML
    return letter(TEXT.replace(old, new), HTML.replace(old, new))


def page(inner: str) -> bytes:
    """Return the good message with *inner* for the unsubscribe link of its HTML."""
    link = f'<a href="{UNSUBSCRIBE}">Unsubscribe from this</a>'
    bare = HTML.replace(f'<a href="{PREFERENCES}">Your preferences</a>', "")
    assert link in bare
    return letter(html=bare.replace(link, inner))


def test_the_brand_must_be_named():
    about = replace(ABOUT, brand="Zest Kitchen")
    assert "identity" in keys(letter(), about) and "identity" not in keys(letter())


def test_that_the_brand_is_a_name_of_the_organization_is_a_note():
    (finding,) = found(changed("a name of Acme Widgets Inc.", "for you"))
    assert (finding.key, finding.level) == ("identity.organization", "note")


@pytest.mark.parametrize("name", ["Marie Roy", "Partner Ltd."])
def test_whoever_referred_the_person_or_collected_the_consent_must_be_named(name):
    about = replace(ABOUT, on_behalf=(name,))
    assert "identity.on_behalf" in keys(letter(), about)
    assert "identity.on_behalf" not in keys(changed("Come and see them.", f"{name} told us of you."), about)


@pytest.mark.parametrize(
    "there", ["", "100 King Street West, Hamilton", "200 Queen Street West, Toronto, Ontario M5H 2N2, Canada"]
)
def test_a_missing_or_another_address_is_an_error(there):
    (finding,) = [item for item in found(changed(ADDRESS, there)) if item.id == "postal_address"]
    assert (finding.level, ADDRESS.replace("  ", " ") in finding.text()) == ("error", True)


@pytest.mark.parametrize(
    "there",
    [ADDRESS.upper(), ADDRESS.replace(", ", "\n"), ADDRESS.replace("Street", "St."), ADDRESS.replace("  ", " ")],
)
def test_an_address_may_be_laid_out_in_its_own_way(there):
    assert keys(changed(ADDRESS, there)) == set()


@pytest.mark.parametrize(
    "address", ["PO Box 12, Ottawa ON K1A 0A9", "2001 boul. Robert-Bourassa, Montréal (Québec)  H3A 2A6"]
)
def test_a_post_office_box_and_accents_pass(address):
    assert "postal_address" not in keys(changed(ADDRESS, address.replace("é", "e")), replace(ABOUT, address=address))


def test_an_address_only_in_an_image_is_an_error():
    image = f'<img src="https://acme.example/footer.png" alt="{ADDRESS}">'
    finding = {item.key: item for item in found(letter(TEXT.replace(ADDRESS, ""), HTML.replace(ADDRESS, image)))}
    assert finding["postal_address.image"].level == "error"


def test_an_address_that_is_hidden_is_not_there():
    assert "postal_address" in keys(letter(html=HTML.replace(ADDRESS, f'<span style="display:none">{ADDRESS}</span>')))


def test_the_plain_text_needs_the_address_too():
    assert keys(letter(TEXT.replace(ADDRESS, ""))) == {"postal_address.text"}


@pytest.mark.parametrize(
    "way",
    ["+1 416 555 0100", "(416) 555-0100", "privacy@acme.example", "https://acme.example", "www.acme.example/help"],
)
def test_one_way_to_reach_the_brand_is_enough(way):
    assert "contact" not in keys(changed("+1 416 555 0100 | privacy@acme.example", way))


@pytest.mark.parametrize("way", ["", "+1 416 555 9999", "sales@other.example", "https://notacme.example"])
def test_no_way_to_reach_the_brand_is_an_error(way):
    assert "contact" in keys(changed("+1 416 555 0100 | privacy@acme.example", way))


def test_a_brand_without_contacts_cannot_pass():
    assert "contact.none" in keys(letter(), replace(ABOUT, contacts=()))


def test_a_message_without_a_way_out_is_an_error():
    text, html = TEXT.partition("Your preferences")[0], HTML.partition(f'<a href="{PREFERENCES}')[0]
    assert "unsubscribe_link" in keys(letter(text, html))
    assert "unsubscribe_link" in keys(letter(text, None))


def test_the_preference_page_is_a_way_out_for_it_offers_everything():
    assert keys(page(f'<a href="{PREFERENCES}">Change what you get</a>')) == set()


def test_a_link_that_the_ledger_never_hears_of_is_a_warning():
    raw = letter(f"{WORDS} {FOOTER.partition('Your pref')[0]} Unsubscribe: https://esp.example/leave", None)
    assert {"unsubscribe_link.elsewhere", "preference_link"} <= keys(raw)


def test_a_plain_text_without_the_link_is_a_warning():
    assert "unsubscribe_link.text" in keys(letter(TEXT.partition("Your preferences")[0]))


@pytest.mark.parametrize(
    "style",
    ["display:none", "font-size:0", "visibility: hidden", "opacity:0", "color:#ffffff", "color:#fefefe;background:#fff", "color:white",
     "max-height:0;overflow:hidden", "text-indent:-9999px", "color: rgb(250, 250, 250)"],
)  # fmt: skip
def test_an_unsubscribe_link_that_cannot_be_seen_is_an_error(style):
    assert "hidden_unsubscribe" in keys(page(f'<a href="{UNSUBSCRIBE}" style="{style}">Unsubscribe</a>'))
    assert "hidden_unsubscribe" in keys(page(f'<a href="{UNSUBSCRIBE}"><span style="{style}">Unsubscribe</span></a>'))


@pytest.mark.parametrize("inner", ["", "   ", "<!-- Unsubscribe -->"])
def test_a_link_without_words_is_hidden(inner):
    assert "hidden_unsubscribe" in keys(page(f'<a href="{UNSUBSCRIBE}">{inner}</a>'))


@pytest.mark.parametrize(
    ("rule", "link"),
    [(".out { display: none }", 'class="foot out"'), ("a.out{display:none !important}", 'class="out"'),
     ("p, .x, .out { color: red; visibility:hidden }", 'class="out"'), ("#out { opacity: 0 }", 'id="out"'),
     ("<!-- /* } */ .out { max-height:0; overflow:hidden } -->", 'class="out"')],
)  # fmt: skip
def test_an_unsubscribe_link_that_a_style_sheet_hides_is_an_error(rule, link):
    sheet = f"<style>{rule}</style>"
    assert "hidden_unsubscribe" in keys(page(f'{sheet}<a href="{UNSUBSCRIBE}" {link}>Unsubscribe</a>'))
    inside = f'{sheet}<span {link}><a href="{UNSUBSCRIBE}">Unsubscribe</a></span>'
    assert "hidden_unsubscribe" in keys(page(inside if not rule.startswith("a.") else inside.replace("span", "a")))


@pytest.mark.parametrize(
    "rule",
    ["@media print { .out { display:none } }", "@media (max-width: 9px) { p { x:y } .out { display:none } }",
     ".out:hover { display:none }", ".other .out { display:none }", "/* .out { display:none } */", ".out { display:block }",
     "@import 'x'; .other { display:none }"],
)  # fmt: skip
def test_a_rule_that_hides_it_from_nobody_or_not_everywhere_is_none(rule):
    assert "hidden_unsubscribe" not in keys(
        page(f'<style>{rule}</style><a href="{UNSUBSCRIBE}" class="out">Unsubscribe</a>')
    )


def test_one_link_that_is_seen_is_enough_beside_a_hidden_one():
    hidden = f'<a href="{UNSUBSCRIBE}" style="display:none">Unsubscribe</a>'
    assert "hidden_unsubscribe" not in keys(page(f'{hidden} <a href="{UNSUBSCRIBE}">Unsubscribe</a>'))


def test_white_words_on_a_dark_ground_are_seen():
    link = f'<td style="background-color:#0b5d51"><a href="{UNSUBSCRIBE}" style="color:#fff">Unsubscribe</a></td>'
    assert "hidden_unsubscribe" not in keys(page(link))


def test_tiny_words_are_a_warning():
    assert "hidden_unsubscribe.small" in keys(page(f'<a href="{UNSUBSCRIBE}" style="font-size:6px">Unsubscribe</a>'))


def test_a_link_behind_the_place_where_gmail_cuts_is_a_warning():
    long = HTML.replace("<body>", f"<body><!--{'x' * 110_000}-->")
    assert keys(letter(html=long)) == {"hidden_unsubscribe.clipped"}


@pytest.mark.parametrize(
    ("kind", "level"),
    [("receipt", "note"), ("recall", "note"), ("confirmation", "warning"), ("reply", None), ("legal_notice", None)],
)
def test_a_kind_that_needs_no_consent_needs_no_unsubscribe_link(kind, level):
    raw = letter(TEXT.partition("Your preferences")[0], None)
    levels = {item.key: item.level for item in found(raw, replace(ABOUT, kind=kind)) if item.id == "unsubscribe_link"}
    assert levels == ({"unsubscribe_link.exempt": level} if level else {})


def test_who_reads_french_gets_a_french_footer():
    quebec = replace(ABOUT, place="CA-QC")
    mixed = letter(f"{FRENCH}\n\n{FOOTER}", None)
    assert "footer_language" in keys(mixed) and "footer_language" in keys(mixed, quebec)
    assert "footer_language" in keys(letter(), quebec) and "footer_language" in keys(
        letter(), replace(ABOUT, language="fr")
    )
    assert "footer_language" not in keys(letter(f"{FRENCH}\n\n{FRENCH_FOOTER}", None), quebec)
    assert "footer_language" not in keys(letter(f"{FRENCH}\n\n{FRENCH_FOOTER}{FOOTER}", None), quebec)


def test_who_reads_english_gets_an_english_footer():
    assert "footer_language.english" in keys(letter(f"{WORDS} {WORDS}\n\n{FRENCH_FOOTER}", None))


@pytest.mark.parametrize(
    ("probe", "key"),
    [
        (Probe(True, "HTTP 200"), None),
        (Probe(False, "HTTP 404"), "dead_link"),
        (Probe(None, "HTTP 503"), "dead_link.unknown"),
    ],
)
def test_a_dead_link_beside_a_live_one_is_an_error(probe, key):
    raw = page(f'<a href="{UNSUBSCRIBE}">Unsubscribe</a> <a href="https://old.example/opt-out">old</a>')
    view = read(raw, ABOUT)
    live = dict.fromkeys(view.unsubscribe_urls(), Probe(True, "HTTP 200"))
    assert {"https://old.example/opt-out", UNSUBSCRIBE} <= set(live)
    findings = [
        item.key for item in check(view, (), live | {"https://old.example/opt-out": probe}) if item.id == "dead_link"
    ]
    assert findings == ([key] if key else [])
