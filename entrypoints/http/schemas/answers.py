"""What answers carry: the shapes that the documents publish and that tests hold every answer against."""

from marshmallow import fields, validate

from entrypoints.http.schemas.fields import CurrencyCode, Id, Integer, Schema, Timestamp, WrittenAmount
from entrypoints.http.schemas.requests import TRANSACTION_TYPES
from wallet_core.identity.entities import Role, UserStatus
from wallet_core.ledger.outcomes import TransactionStatus
from wallet_core.wallets.entities import WalletStatus

VERSION_MAX = 2**63 - 1


class UserSchema(Schema):
    """A person."""

    id = Id(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    email_verified = fields.Boolean(required=True)
    phone_verified = fields.Boolean(required=True)
    role = fields.String(required=True, validate=validate.OneOf([role.value for role in Role]))
    status = fields.String(required=True, validate=validate.OneOf([status.value for status in UserStatus]))
    time_zone = fields.String(required=True)
    created_at = Timestamp(required=True)


class TokenSchema(Schema):
    """A token, how many seconds it lasts, and one to get the next with."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = Integer(required=True, min=1, max=86_400)
    refresh_token = fields.String(required=True)


class SessionSchema(Schema):
    """A log-in on one device; `current` where it is the one that asks."""

    id = Id(required=True)
    device = fields.String(required=True)
    address = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    last_seen_at = Timestamp(required=True)
    expires_at = Timestamp(required=True)
    current = fields.Boolean(required=True)


class WalletBalanceSchema(Schema):
    """What a wallet holds in one currency; `exponent` is the number of digits after the point."""

    currency = CurrencyCode(required=True)
    balance = WrittenAmount(required=True)
    available = WrittenAmount(required=True)
    held = WrittenAmount(required=True)
    exponent = Integer(required=True, min=0, max=4)
    version = Integer(required=True, min=0, max=VERSION_MAX)


class BalanceSchema(WalletBalanceSchema):
    """What a wallet holds in one currency, and which wallet."""

    wallet_id = Id(required=True)


class WalletSchema(Schema):
    """A wallet with its balances, that of its own currency first."""

    id = Id(required=True)
    name = fields.String(required=True)
    currency = CurrencyCode(required=True)
    status = fields.String(required=True, validate=validate.OneOf([status.value for status in WalletStatus]))
    default = fields.Boolean(required=True)
    balances = fields.List(fields.Nested(WalletBalanceSchema), required=True)
    created_at = Timestamp(required=True)


class ListSchema(Schema):
    """A page of a list, newest first; `next_cursor` is null on the last one."""

    next_cursor = fields.String(required=True, allow_none=True)


class SessionListSchema(ListSchema):
    """Sessions."""

    data = fields.List(fields.Nested(SessionSchema), required=True)


class WalletListSchema(ListSchema):
    """Wallets."""

    data = fields.List(fields.Nested(WalletSchema), required=True)


class TotalSchema(Schema):
    """What is held in one currency."""

    currency = CurrencyCode(required=True)
    balance = WrittenAmount(required=True)
    available = WrittenAmount(required=True)


class TotalsSchema(Schema):
    """What is held over all wallets, by currency."""

    totals = fields.List(fields.Nested(TotalSchema), required=True)


class CounterpartySchema(Schema):
    """The other side: a person's wallet, and their name as it was then."""

    wallet_id = Id(required=True)
    name = fields.String(required=True)


class TransactionSchema(Schema):
    """A movement as one of its wallets sees it."""

    id = Id(required=True)
    wallet_id = Id(required=True)
    type = fields.String(required=True, validate=validate.OneOf(TRANSACTION_TYPES))
    status = fields.String(required=True, validate=validate.OneOf([status.value for status in TransactionStatus]))
    direction = fields.String(required=True, validate=validate.OneOf(("in", "out")))
    amount = WrittenAmount(required=True)
    currency = CurrencyCode(required=True)
    counterparty = fields.Nested(CounterpartySchema, required=True, allow_none=True)
    balance_after = WrittenAmount(required=True, allow_none=True)
    failure_reason = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    completed_at = Timestamp(required=True, allow_none=True)


class TransactionListSchema(ListSchema):
    """Transactions."""

    data = fields.List(fields.Nested(TransactionSchema), required=True)


class WindowSchema(Schema):
    """How much of a maximum is used, and when it starts anew."""

    limit = WrittenAmount(required=True)
    used = WrittenAmount(required=True)
    remaining = WrittenAmount(required=True)
    resets_at = Timestamp(required=True)


class WindowsSchema(Schema):
    """The two maximums of a kind of movement."""

    daily = fields.Nested(WindowSchema, required=True)
    monthly = fields.Nested(WindowSchema, required=True)


class LimitsSchema(Schema):
    """A person's limits in one currency."""

    currency = CurrencyCode(required=True)
    transfer = fields.Nested(WindowsSchema, required=True)
    withdrawal = fields.Nested(WindowsSchema, required=True)


class HealthSchema(Schema):
    """That the process answers."""

    status = fields.String(required=True, validate=validate.Equal("ok"))


class ReadinessSchema(Schema):
    """What the service needs, and the cache, which it does not."""

    ready = fields.Boolean(required=True)
    database = fields.String(required=True, validate=validate.OneOf(("ok", "unreachable")))
    migrations = fields.String(required=True, validate=validate.OneOf(("ok", "pending", "unknown")))
    cache = fields.String(required=True, validate=validate.OneOf(("ok", "unreachable", "off")))


class VersionSchema(Schema):
    """Which version this is."""

    version = fields.String(required=True)
