"""Which law a place has, as far as it is held here, and which states Canada's law steps back for."""

import re

#: The states of SOR/2013-221 s. 3(f) and its Schedule: a message believed to be opened there is left to their law.
SCHEDULE = frozenset(
    re.findall(
        r"[A-Z]{2}",
        "AL AG AR AM AU AT AZ BS BH BD BB BY BE BZ BT BA BW BR VG BG BF MM KH CM KY CF CL CN CO CR HR CY CZ DK DM DO "
        "EC EE FI FR GM GE DE GH GR GD GT HK HU IS IN ID IE IL IT JM JP JO KZ KE LV LI LT LU MK MY MT MU MD ME MA MZ "
        "NA NP NL NZ NO PK PE PH PL PT PR QA RO RU LC VC SA RS SL SG SK SI ZA KR ES LK SE CH TZ TH TO TT TN TR TC UG "
        "UA AE GB US VI VE VN ZM",
    )
)
EU_AND_EEA = frozenset(
    re.findall(
        r"[A-Z]{2}",
        "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO",
    )
)


#: How a place is written: a country, with a province if it is known.
PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


def country_of(place: str | None) -> str:
    """Return the country of *place*, an ISO code with or without a province; an empty text if it is unknown."""
    return (place or "")[:2]


def law_of(place: str | None) -> str:
    """Return the law of *place*: ``us``, ``uk``, ``eu``, or ``ca``, which is also that of every place unknown here."""
    country = country_of(place)
    if country in EU_AND_EEA:
        return "eu"
    return {"US": "us", "GB": "uk"}.get(country, "ca")
