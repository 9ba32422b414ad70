"""Field kinds that every resource shares."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from consent import addresses, catalogue, clock
from consent.law.cases import YEARS
from consent.law.places import PLACE

_zones = cache(available_timezones)
MOST_LISTED = 1000
_AHEAD = timedelta(seconds=60)


class Strict(Schema):
    """A body in which an unknown field is an error."""

    class Meta:
        """Refuse what is not named."""

        unknown = RAISE


class PageQuery(Strict):
    """Where to go on, and how many."""

    after = fields.String(load_default="", metadata={"description": "The ``next`` of the page before."})
    limit = fields.Integer(load_default=100, validate=validate.Range(1, MOST_LISTED))


class Email(fields.String):
    """An address that mail can reach, loaded as :class:`consent.addresses.Address`."""

    def __init__(self, *, metadata: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "email", **(metadata or {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return addresses.parse(text)
        except addresses.BadAddress as error:
            raise ValidationError(str(error)) from None


class Instant(fields.AwareDateTime):
    """An instant in RFC 3339 with a zone, loaded in UTC, to the millisecond that the ledger keeps."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            found = super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except OverflowError:
            found = None
        if found is None or found.year not in YEARS:
            raise ValidationError("This time is outside of the years 1900 to 9000.")
        return found.replace(microsecond=found.microsecond // 1000 * 1000)


class Past(Instant):
    """An instant that has been; a clock that is a little ahead of ours is forgiven."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        if found > clock.now() + _AHEAD:
            raise ValidationError("This is in the future; only what has happened can be recorded.")
        return found


class Zone(fields.String):
    """A time zone such as America/Vancouver."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text not in _zones():
            raise ValidationError("This is no time zone; write one like America/Vancouver.")
        return text


class Place(fields.String):
    """Where a person is: a country, with a province if it is known, such as CA-QC."""

    def __init__(self, **kwargs: Any) -> None:
        shape = validate.Regexp(rf"{PLACE.pattern}\Z", error="Write a country like CA, or with a province CA-QC.")
        super().__init__(validate=shape, **kwargs)


class Brand(fields.String):
    """A brand's slug, loaded as :class:`consent.catalogue.Brand`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return catalogue.brand(text)
        except catalogue.Unknown as error:
            raise ValidationError(str(error)) from None


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
