"""``GET /brands``, ``/topics``, ``/notices``, ``/forms``: what is set up, in the order of its names."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from marshmallow import Schema, fields

from consent import catalogue
from consent.api.bodies import Resource
from consent.api.fields import PageQuery, Strict
from consent.api.keys import needs
from consent.catalogue import Brand, Form, Notice, Topic
from consent.setup.keys import SCOPES
from consent.web import visitor

blueprint = Resource("catalogue", __name__, url_prefix="/api/v1", description="What is set up")
Noun = TypeVar("Noun")


class BrandAnswer(Strict):
    """A name under which an organization writes."""

    slug = fields.String(required=True)
    organization = fields.String(required=True)
    organization_name = fields.String(required=True)
    country = fields.String(required=True)
    zone = fields.String(required=True, metadata={"description": "Where the law counts days."})
    business_name = fields.String(required=True)
    mailing_address = fields.String(required=True)
    from_address = fields.String(required=True)
    phone = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    web = fields.String(allow_none=True)
    languages = fields.List(fields.String(), metadata={"description": "The first is used when nobody says which."})
    privacy_url = fields.String(allow_none=True)


class TopicAnswer(Strict):
    """One thing to subscribe to; texts by language."""

    slug = fields.String(required=True)
    brand = fields.String(required=True)
    name = fields.Dict(keys=fields.String(), values=fields.String())
    description = fields.Dict(keys=fields.String(), values=fields.String())
    list_id = fields.String(metadata={"description": "Of its messages (RFC 2919)."})
    renewal_form = fields.String(allow_none=True)


class NoticeAnswer(Strict):
    """The exact words that were shown in one language; every version that was ever published stays."""

    sha256 = fields.String(required=True)
    slug = fields.String(required=True)
    brand = fields.String(required=True)
    language = fields.String(required=True)
    words = fields.String(required=True)


class FormAnswer(Strict):
    """A place that collects, in its newest version."""

    slug = fields.String(required=True)
    version = fields.Integer(required=True)
    brand = fields.String(required=True)
    topics = fields.List(fields.String())
    notices = fields.Dict(
        keys=fields.String(), values=fields.String(), metadata={"description": "SHA-256 by language."}
    )
    title = fields.Dict(keys=fields.String(), values=fields.String())
    source = fields.String()
    origins = fields.List(fields.String())
    url = fields.String(metadata={"description": "The hosted page."})


def _page(name: str, answer: type[Strict]) -> type[Schema]:
    """Return the schema of a page of *answer* under *name*; *next* is null on the last one."""
    parts: dict[str, fields.Field[Any]] = {
        name: fields.List(fields.Nested(answer)),
        "next": fields.String(allow_none=True),
    }
    return Strict.from_dict(parts, name=f"{name.title()}Answer")


@blueprint.get("/brands")
@needs(*SCOPES)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, _page("brands", BrandAnswer))
def list_brands(query: dict[str, Any]) -> dict[str, Any]:
    """List the brands: who writes, and what each message of theirs must say."""
    return _listed("brands", catalogue.current().brands, _brand, query)


@blueprint.get("/topics")
@needs(*SCOPES)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, _page("topics", TopicAnswer))
def list_topics(query: dict[str, Any]) -> dict[str, Any]:
    """List the topics, whose slugs decisions and sends name."""
    return _listed("topics", catalogue.current().topics, _topic, query)


@blueprint.get("/notices")
@needs(*SCOPES)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, _page("notices", NoticeAnswer))
def list_notices(query: dict[str, Any]) -> dict[str, Any]:
    """List every notice that was ever published, by its SHA-256."""
    return _listed("notices", catalogue.current().notices, _notice, query)


@blueprint.get("/forms")
@needs(*SCOPES)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, _page("forms", FormAnswer))
def list_forms(query: dict[str, Any]) -> dict[str, Any]:
    """List the forms, each in its newest version."""
    return _listed("forms", catalogue.current().forms, _form, query)


def _listed(
    name: str, known: Mapping[str, Noun], told: Callable[[Noun], dict[str, Any]], query: dict[str, Any]
) -> dict[str, Any]:
    following = [key for key in sorted(known) if key > query["after"]]
    page = following[: query["limit"]]
    return {name: [told(known[key]) for key in page], "next": page[-1] if len(following) > len(page) else None}


def _brand(brand: Brand) -> dict[str, Any]:
    organization = brand.organization
    return {
        **{name: getattr(brand, name) for name in BrandAnswer().fields if hasattr(brand, name)},
        "organization": organization.slug,
        "organization_name": organization.name,
        "country": organization.country,
        "zone": organization.zone.key,
    }


def _topic(topic: Topic) -> dict[str, Any]:
    return {
        "slug": topic.slug,
        "brand": topic.brand.slug,
        "name": topic.name,
        "description": topic.description,
        "list_id": topic.brand.list_id(topic.slug.partition("/")[2]),
        "renewal_form": topic.renewal_form,
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {name: getattr(notice, name) for name in NoticeAnswer().fields}


def _form(form: Form) -> dict[str, Any]:
    return {
        **{name: getattr(form, name) for name in ("slug", "version", "title", "source", "origins")},
        "brand": form.brand.slug,
        "topics": [topic.slug for topic in form.topics],
        "notices": {language: notice.sha256 for language, notice in form.notices.items()},
        "url": f"{visitor.settings().base_url}/s/{form.slug}",
    }
