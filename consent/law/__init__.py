"""May this message be sent, and under which section? Pure: facts in, decision out.

In reading order:

``citations``   the provisions: statute, section, what it says.
``readings``    where the law leaves room, and what we chose.
``facts``       what a rule may know, and the question.
``decision``    what is answered: a basis, reasons, Allow or Deny.
``periods``     how statutes count months, days and business days.
``express``     what the person said: the last valid word counts.
``implied``     what is between person and brand, and for how long it implies consent.
``answers``     answers that every regime gives alike.
``casl``        Canada; ``can_spam`` the United States; ``uk_eu`` the United Kingdom, the EU and the EEA.
``kinds``       which messages need no consent, and the fact that each needs instead.
``places``      which law a place has.
``windows``     stretches of time, joined and intersected.
``decide``      the question as a whole, and the windows that are cached as a standing.
``message``     preflight, the other question: does a message carry what it must? Its own reading order is in there.
``sentences``   every sentence, in English and French.
``cases``       dated cases from a spreadsheet, and ``labels`` for their bases.

No rule reads a clock, a database or a file; each docstring cites the section it applies. docs/law.md is written from
them, for people who read law and no Python.
"""
