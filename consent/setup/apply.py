"""Apply a checked set-up to the database, in one transaction, and say what changed. Safe to run again.

Notices and form versions are only ever added, each with an entry, since consents rest on them. What the file no
longer names stays: what was mailed must go on working.
"""

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from consent import catalogue
from consent.records import append, publish, standing
from consent.records.append import Draft, Origin
from consent.setup.read import Setup
from consent.store import catalogue as tables
from consent.store import database


@database.retried
def apply(setup: Setup, origin: Origin, vkey: str | None = None) -> list[str]:
    """Write *setup* and return one line for each change, in order; no lines when nothing changed.

    In an empty ledger it comes after ``ledger.opened``, which names the ledger's key *vkey*, if there is one.
    """
    with database.writing() as connection:
        database.alone(connection, "setup")
        publish.open_log(connection, origin, vkey)
        changes = [_keep(connection, "organization", slug, table, {}) for slug, table in setup.organization.items()]
        for slug, table in setup.brand.items():
            changes.append(_keep(connection, "brand", slug, table, {"organization": table["organization"]}))
        for slug, table in setup.topic.items():
            changes.append(_keep(connection, "topic", slug, table, {"brand": slug.partition("/")[0]}))
        for slug, table in setup.notice.items():
            changes += [_publish_notice(connection, slug, table, language, origin) for language in table["words"]]
        for slug, table in setup.form.items():
            changes.append(_publish_form(connection, slug, table, setup, origin))
    changes = [change for change in changes if change]
    catalogue.reload()
    computed = standing.fill_in(origin.now)
    for slug in setup.organization:
        if any(change.startswith(f"organization {slug}: changed") for change in changes):
            computed += standing.recompute(slug, origin.now)
    return [*changes, *([f"standings: {computed} computed"] if computed else [])]


_PLAIN = {"organization": tables.Organization, "brand": tables.Brand, "topic": tables.Topic}


def _keep(connection: Connection, noun: str, slug: str, table: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    """Create or replace one row of the nouns that may change; return what was done, or nothing."""
    model: Any = _PLAIN[noun]
    settings = {k: v for k, v in table.items() if k not in ("slug", *columns)}
    found = connection.execute(select(model.settings).where(model.slug == slug)).first()
    if found is None:
        more = {"id": secrets.token_bytes(16)} if noun == "organization" else {}
        connection.execute(insert(model), [{"slug": slug, "settings": settings, **columns, **more}])
        return f"{noun} {slug}: created"
    if found.settings == settings:
        return ""
    connection.execute(update(model).where(model.slug == slug).values(settings=settings))
    names = sorted(k for k in settings.keys() | found.settings.keys() if settings.get(k) != found.settings.get(k))
    return f"{noun} {slug}: changed {', '.join(names)}"


def words_of(table: Mapping[str, Any], language: str) -> str:
    """Return the exact words of a notice: NFC, without white space at the ends of lines or of the whole."""
    lines = unicodedata.normalize("NFC", table["words"][language]).strip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _publish_notice(connection: Connection, slug: str, table: Mapping[str, Any], language: str, origin: Origin) -> str:
    words = words_of(table, language)
    sha256 = _digest(words)
    if connection.execute(select(tables.Notice.sha256).where(tables.Notice.sha256 == sha256)).first():
        return ""
    row = {"sha256": sha256, "slug": slug, "brand": table["brand"], "language": language, "words": words}
    connection.execute(insert(tables.Notice), [{**row, "published_at": origin.now}])
    fields = {
        "brand": table["brand"],
        "language": language,
        "notice": sha256,
        "details": {"slug": slug, "sha256": sha256},
    }
    append.about_nobody(connection, origin, [Draft("notice.published", "system", fields)])
    return f"notice {slug}.{language}: published {sha256[:12]}"


def _publish_form(connection: Connection, slug: str, table: Mapping[str, Any], setup: Setup, origin: Origin) -> str:
    notice = setup.notice[table["notice"]]
    notices = {language: _digest(words_of(notice, language)) for language in notice["words"]}
    settings = {k: v for k, v in table.items() if k not in ("slug", "brand", "notice")} | {"notices": notices}
    sha256 = _digest(json.dumps(settings, sort_keys=True, ensure_ascii=False))
    newest = select(func.max(tables.Form.version)).where(tables.Form.slug == slug).scalar_subquery()
    found = connection.execute(
        select(tables.Form.version, tables.Form.sha256).where(tables.Form.slug == slug, tables.Form.version == newest)
    ).first()
    if found and found.sha256 == sha256:
        return ""
    version = found.version + 1 if found else 1
    row = {"slug": slug, "version": version, "brand": table["brand"], "sha256": sha256, "settings": settings}
    connection.execute(insert(tables.Form), [{**row, "published_at": origin.now}])
    details = {"slug": slug, "version": version, "sha256": sha256, "topics": table["topics"], "notices": notices}
    fields = {"brand": table["brand"], "form": f"{slug}@{version}", "details": details}
    append.about_nobody(connection, origin, [Draft("form.published", "system", fields)])
    return f"form {slug}: published version {version}"
