"""What requests about notifications carry, and what they are answered."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from entrypoints.http.schemas.answers import ListSchema
from entrypoints.http.schemas.fields import Boolean, Id, Integer, QueryBoolean, Schema, Timestamp
from entrypoints.http.schemas.requests import PAGE_LENGTH_MAX, PageQuerySchema
from wallet_core.notifications.notices import Channel, NoticeKind

COUNT_MAX = 2**31 - 1
KINDS = [kind.value for kind in NoticeKind]


class NotificationQuerySchema(PageQuerySchema):
    """Which of them."""

    unread = QueryBoolean(load_default=False)


class NotificationSchema(Schema):
    """Something that you were told. `title` and `text` are null where only a newer version has words for it."""

    id = Id(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)
    data = fields.Dict(required=True)
    created_at = Timestamp(required=True)
    read_at = Timestamp(required=True, allow_none=True)


class NotificationListSchema(ListSchema):
    """Notifications."""

    data = fields.List(fields.Nested(NotificationSchema), required=True)


class NotificationsReadSchema(Schema):
    """Which of them you have read: those, or all."""

    ids = fields.List(Id(), validate=validate.Length(min=1, max=PAGE_LENGTH_MAX))
    all = Boolean(validate=validate.Equal(True, error="May be true, or left out."))  # noqa: FBT003 - it is the value

    @validates_schema
    def require_one(self, data: dict[str, Any], **_: object) -> None:
        """Else nothing is asked, or two things."""
        if ("ids" in data) == ("all" in data):
            raise ValidationError("Give `ids`, or `all` as true.", "ids")


class NotificationsMarkedSchema(Schema):
    """How many of them were not read before."""

    marked = Integer(required=True, min=0, max=COUNT_MAX)


class PreferenceSchema(Schema):
    """What is sent to you of one kind of event."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    mail = Boolean(required=True)
    sms = Boolean(required=True)


class PreferenceListSchema(Schema):
    """What is sent to you, kind by kind."""

    data = fields.List(fields.Nested(PreferenceSchema), required=True)


class PreferenceChangeSchema(Schema):
    """What is to be sent to you of one kind of event from now on; what is not said stays."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    mail = Boolean()
    sms = Boolean()


class PreferencesChangeSchema(Schema):
    """The kinds of which something changes."""

    data = fields.List(
        fields.Nested(PreferenceChangeSchema), required=True, validate=validate.Length(min=1, max=len(KINDS))
    )


class DeliveryPathSchema(Schema):
    """Which delivery."""

    delivery_id = Id(required=True)


class DeliveryQuerySchema(PageQuerySchema):
    """Which deliveries. Those that were given up are listed, and no others."""

    status = fields.String(validate=validate.OneOf(["parked"]), load_default="parked")


class DeliverySchema(Schema):
    """A delivery that was given up. To whom it is and what it says stays between them and the service."""

    id = Id(required=True)
    notification_id = Id(required=True)
    user_id = Id(required=True)
    kind = fields.String(required=True)
    channel = fields.String(required=True, validate=validate.OneOf([channel.value for channel in Channel]))
    status = fields.String(required=True, validate=validate.OneOf(["parked"]))
    tries = Integer(required=True, min=0, max=COUNT_MAX)
    last_error = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    parked_at = Timestamp(required=True)


class DeliveryListSchema(ListSchema):
    """Deliveries."""

    data = fields.List(fields.Nested(DeliverySchema), required=True)
