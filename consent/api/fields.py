"""Field kinds that every resource shares."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from consent import addresses, catalogue


class Strict(Schema):
    """A body in which an unknown field is an error."""

    class Meta:
        """Refuse what is not named."""

        unknown = RAISE


class Email(fields.String):
    """An address that mail can reach, loaded as :class:`consent.addresses.Address`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return addresses.parse(text)
        except addresses.BadAddress as error:
            raise ValidationError(str(error)) from None


class Instant(fields.AwareDateTime):
    """An instant in RFC 3339 with a zone, loaded in UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except OverflowError:
            raise ValidationError("This time is outside of what calendars hold.") from None


class Topic(fields.String):
    """A topic, written ``brand/topic``, loaded as :class:`consent.catalogue.Topic`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return catalogue.topic(text)
        except catalogue.Unknown as error:
            raise ValidationError(str(error)) from None


class Form(fields.String):
    """A form's slug, loaded as :class:`consent.catalogue.Form`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return catalogue.form(text)
        except catalogue.Unknown as error:
            raise ValidationError(str(error)) from None
