"""The cast. Each has a fixed role in every test, so that a name in a test says what it is about."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody in a test: *language* as in a page's ``lang``, *place* as in an entry (``CA-QC``)."""

    name: str
    email: str
    language: str
    place: str


ANNE = Person("Anne Tremblay", "anne@montreal.example", "fr-CA", "CA-QC")  # gives express consent
BOB = Person("Bob Miller", "bob@boston.example", "en-US", "US-MA")
CHLOE = Person("Chloé Gagnon", "chloe@example.com", "fr-CA", "CA-QC")  # only ever got a welcome mail
DANA = Person("Dana Singh", "dana@acme.example", "en-CA", "CA-ON")  # the officer

CAST = (ANNE, BOB, CHLOE, DANA)
