"""What requests of those who administer carry, and what they are answered."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from entrypoints.http.schemas.answers import ListSchema, UserSchema, WalletSchema
from entrypoints.http.schemas.fields import CurrencyCode, DateOrTimestamp, Id, Integer, Schema, Text, Timestamp, shows
from entrypoints.http.schemas.requests import CapsSchema, MoneySchema, PageQuerySchema
from wallet_core.administration.audit import REASON_LENGTH_MAX, ActorKind
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.identity.sessions import SESSIONS_MAX

SEARCH_LENGTH_MAX = 100
NAMED_LENGTH_MAX = 100


class Reason(Text):
    """Why something is changed, for whoever asks later: words, without the spaces around them."""

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        reason = super().read(value.strip())
        if not shows(reason):
            raise ValidationError("Must be visible text.")
        return reason


class ReasonSchema(Schema):
    """Why."""

    reason = Reason(max=REASON_LENGTH_MAX, required=True)


class OptionalReasonSchema(Schema):
    """Why, where that is up to whoever asks."""

    reason = Reason(max=REASON_LENGTH_MAX)


class GrantSchema(OptionalReasonSchema):
    """What somebody may move out in one currency from now on; what is not said stays."""

    currency = CurrencyCode(required=True)
    transfer = fields.Nested(CapsSchema)
    withdrawal = fields.Nested(CapsSchema)

    @validates_schema
    def require_a_maximum(self, data: dict[str, Any], **_: object) -> None:
        """Else nothing is asked."""
        if not data.get("transfer") and not data.get("withdrawal"):
            raise ValidationError("Give a daily or a monthly maximum, of transfers or of withdrawals.", "transfer")


class AdjustmentSchema(MoneySchema):
    """Money to credit, and why."""

    reason = Reason(max=REASON_LENGTH_MAX, required=True)


class SessionsEndSchema(ReasonSchema):
    """Which session to end, all of them where none is named, and why."""

    session_id = Id()


class SessionsEndedSchema(Schema):
    """How many sessions were open and are no more."""

    ended = Integer(required=True, min=0, max=SESSIONS_MAX)


class PeopleQuerySchema(PageQuerySchema):
    """Which people: `q` is looked for anywhere in names, email addresses and phone numbers, in any case."""

    q = Text(max=SEARCH_LENGTH_MAX)
    role = fields.String(validate=validate.OneOf([role.value for role in Role]))
    status = fields.String(validate=validate.OneOf([status.value for status in UserStatus]))


class UserListSchema(ListSchema):
    """People."""

    data = fields.List(fields.Nested(UserSchema), required=True)


class UserWithWalletsSchema(UserSchema):
    """A person and their wallets, the oldest first."""

    wallets = fields.List(fields.Nested(WalletSchema), required=True)


class AuditFilterSchema(Schema):
    """Which changes: who made them, what was done, to what, and whom it is about. A date counts whole, in UTC."""

    actor_id = Id()
    actor_kind = fields.String(validate=validate.OneOf([kind.value for kind in ActorKind]))
    action = Text(max=NAMED_LENGTH_MAX)
    target_id = Text(max=NAMED_LENGTH_MAX)
    user_id = Id()
    from_ = DateOrTimestamp(data_key="from")
    to = DateOrTimestamp()


class AuditQuerySchema(AuditFilterSchema, PageQuerySchema):
    """Which changes, and which page of them."""


class AuditEntrySchema(Schema):
    """A change. `before` and `after` are what of the target was another way; amounts in them are in minor units."""

    id = Id(required=True)
    at = Timestamp(required=True)
    actor_kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in ActorKind]))
    actor_id = Id(required=True, allow_none=True)
    session_id = Id(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)
    action = fields.String(required=True)
    target_kind = fields.String(required=True)
    target_id = fields.String(required=True)
    user_id = Id(required=True, allow_none=True)
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)
    reason = fields.String(required=True)


class AuditListSchema(ListSchema):
    """Changes, the last one first."""

    data = fields.List(fields.Nested(AuditEntrySchema), required=True)
