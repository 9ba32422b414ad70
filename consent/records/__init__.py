"""The ledger in the database: append an entry, read a contact's history, keep its standing, export the record."""
