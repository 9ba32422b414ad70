"""The tables, one file per noun and no logic, and the two ways into the database (:mod:`consent.store.database`)."""
