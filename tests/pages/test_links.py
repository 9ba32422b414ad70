"""Links that are not whole, not ours, or for another page: one answer, a way out, and nothing changed."""

import base64

import pytest

from consent.tokens import PURPOSES, make
from tests.house import TICKED, House
from tests.people import ANNE

FORM = {"c": TICKED, "u": {"scope": "topic"}, "p": {"act": "leave_all"}}


@pytest.mark.parametrize("page", ["c", "u", "p", "r"])
@pytest.mark.parametrize("purpose", ["c", "u", "p", "r", "e", "b"])
def test_a_link_for_one_page_opens_no_other(house: House, page: str, purpose: str) -> None:
    letter = house.confirm(ANNE.email)
    house.letters()
    token = house.link(letter, purpose if purpose in "cup" else "p").rpartition("/")[2]
    if purpose not in "cup":  # nobody has mailed such a link; a forger would change the purpose and keep the rest
        raw = bytearray(base64.b32decode(token.upper()))
        raw[0] = 1 << 5 | PURPOSES[purpose] << 2
        token = base64.b32encode(raw).decode().lower()
    before = house.rows()
    if page == purpose and purpose in "cup":
        assert house.client.get(f"/{page}/{token}").status_code == 200
        return
    assert house.client.get(f"/{page}/{token}").status_code == 404
    assert house.client.post(f"/{page}/{token}", data=FORM.get(page)).status_code in (404, 405)
    assert house.rows() == before


def test_a_link_signed_with_a_foreign_key_is_refused_like_one_that_never_was(house: House) -> None:
    house.confirm(ANNE.email)
    foreign = make("u", b"\0" * 8, 0, b"\0" * 16, ["x" * 40])
    unknown = house.client.post(f"/u/{foreign}", data=FORM["u"])
    broken = house.client.post("/u/" + "a" * 40, data=FORM["u"])
    assert (unknown.status_code, unknown.data) == (broken.status_code, broken.data)
    assert unknown.status_code == 404


def test_a_get_repairs_what_mail_programs_break_and_the_form_posts_to_the_whole_link(house: House) -> None:
    link = house.one_click(house.confirm(ANNE.email))
    for broken in (f"{link}.", f"{link}>", f"/u/{link[3:].upper()}", f"{link}=)"):
        page = house.client.get(broken)
        assert page.status_code == 200, broken
        assert f'action="{link}"' in page.text
        assert house.client.post(broken, data=FORM["u"]).status_code == 404
    assert house.allows(ANNE.email)


def test_keys_are_rotated_without_killing_a_link(house: House) -> None:
    letter = house.confirm(ANNE.email)
    old = house.app.config["CONSENT"]
    new = type(old)(**{**old.__dict__, "secret_keys": ("9b1c" * 16, *old.secret_keys)})
    house.app.config["CONSENT"] = new
    assert house.press_unsubscribe(letter).status_code == 200
    assert not house.allows(ANNE.email)
