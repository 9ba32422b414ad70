"""``POST /signups``: a sign-up taken elsewhere; the person confirms by mail as always."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from consent.api.bodies import Resource
from consent.api.fields import Email, Form, Strict, Topic
from consent.api.keys import actor, needs
from consent.catalogue import LANGUAGES
from consent.setup.read import SOURCES
from consent.subscriptions import signup
from consent.subscriptions.acts import Act
from consent.web import visitor

blueprint = Resource("signups", __name__, url_prefix="/api/v1", description="Sign-ups")


class SignupEvidence(Strict):
    """What your form knows of the request."""

    ip = fields.IP(metadata={"description": "The person's, as your form saw it; kept as asserted by your key."})
    user_agent = fields.String(validate=validate.Length(max=500))
    url = fields.String(validate=validate.Length(max=2000))


class SignupBody(Strict):
    """A sign-up."""

    email = Email(required=True)
    form = Form(required=True)
    topics = fields.List(Topic(), validate=validate.Length(min=1, max=100))
    language = fields.String(validate=validate.OneOf(LANGUAGES))
    source = fields.String(validate=validate.OneOf(SOURCES))
    evidence = fields.Nested(SignupEvidence)

    @validates_schema
    def _topics_of_the_form(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse topics that the form does not offer."""
        if any(topic not in data["form"].topics for topic in data.get("topics", ())):
            raise ValidationError(f"The form {data['form'].slug} does not offer this topic.", "topics")


class SignupAnswer(Strict):
    """The same answer for every address."""

    state = fields.Constant("requested")


@blueprint.post("/signups")
@needs("signups")
@blueprint.arguments(SignupBody)
@blueprint.response(202, SignupAnswer)
def take(body: dict[str, Any]) -> dict[str, str]:
    """Record a person's request and mail them the confirmation.

    Without ``topics``, all of the form's. The answer says nothing about the address.
    """
    form = body["form"]
    language = form.language(body.get("language"))
    topics = tuple(dict.fromkeys(body.get("topics", form.topics)))
    wanted = signup.Request(
        body["email"], form, topics, language, form.notices[language], body.get("source", form.source)
    )
    given = {name: str(value) for name, value in body.get("evidence", {}).items()}
    act = Act(visitor.origin(), given, actor=actor(), channel="api", network=visitor.network(given.get("ip")))
    signup.request(wanted, act)
    return {"state": "requested"}
