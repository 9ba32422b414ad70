"""Subscription and consent management: may I send this person this message today, and how do I prove it?

The package, in reading order; arrows between rooms point down this list only (``lint-imports`` holds them):

``colours``        which colour can be read on which. Pure.
``typography``     how French is set. Pure.
``law``            which law lets a message be sent: facts in, decision with citation out. Pure.
``ledger``         the bytes of an entry and how they are hashed. Pure.
``tokens``         links in mail. Pure.
``addresses``      which spellings are one mailbox, strictly and loosely. Pure.
``clock``          the only reader of the clock.
``config``         settings from the environment; refuses weak ones.
``resources``      where templates/ and migrations/ are, in a checkout and in a wheel.
``store``          the tables, one file per noun, and the two ways into the database.
``outbox``         claim, lease, retry, finish: work that leaves the house after the commit.
``catalogue``      what a company has set up: organizations, brands, topics, notices, forms.
``records``        the ledger in the database: append, history, standing, export.
``mail``           compose and deliver the messages that we send ourselves.
``subscriptions``  what a person does: sign up, confirm, choose, leave.
``sends``          what a sending system asks: may I?
``setup``          a company's set-up file and API keys, applied.
``web``            shared by the edges: languages, headers, limits, problem answers.
``pages``          what subscribers see.
``api``            the JSON API.
``app``            create_app().
``cli``            the ``consent`` command.
"""
