"""What requests carry: bodies, queries and paths, as marshmallow reads and the documents publish them."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from entrypoints.http.cursors import CURSOR_LENGTH_MAX
from entrypoints.http.schemas.contacts import Email, Phone
from entrypoints.http.schemas.fields import (
    Amount,
    Boolean,
    CurrencyCode,
    DateOrTimestamp,
    Id,
    Name,
    QueryInteger,
    Schema,
    Text,
)
from entrypoints.http.schemas.time_zones import TimeZone
from wallet_core.identity.entities import NAME_LENGTH_MAX, PASSWORD_LENGTH_MAX
from wallet_core.ledger.outcomes import TransactionStatus
from wallet_core.wallets.entities import WALLET_NAME_LENGTH_MAX

NOTE_LENGTH_MAX = 200
PAGE_LENGTH_DEFAULT = 50
PAGE_LENGTH_MAX = 200
CODE_LENGTH_MAX = 40
OPAQUE_TOKEN_LENGTH_MAX = 500
_MISSING = "Missing data for required field."
_NO_ADDRESS = "Give an email, a phone, or both."
TRANSACTION_TYPES = ("deposit", "withdraw", "transfer_out", "transfer_in")


class PasswordField(fields.String):
    """A password as it was typed; whether it is one to have, the core says."""


class AddressedSchema(Schema):
    """A person, by email, phone or both."""

    email = Email()
    phone = Phone()

    @validates_schema
    def require_an_address(self, data: dict[str, Any], **_: object) -> None:
        """Without an address a person cannot be reached."""
        if not data.get("email") and not data.get("phone"):
            raise ValidationError(_NO_ADDRESS, "email")


class SignupSchema(AddressedSchema):
    """A new person."""

    name = Name(max=NAME_LENGTH_MAX, required=True)
    password = PasswordField(required=True, validate=validate.Length(max=PASSWORD_LENGTH_MAX * 4))


class LoginSchema(Schema):
    """Who somebody says they are, and the proof; or the code that such a log-in was answered to need."""

    email = Email()
    phone = Phone()
    password = PasswordField(validate=validate.Length(max=PASSWORD_LENGTH_MAX * 4))
    code = Text(max=CODE_LENGTH_MAX)
    mfa_token = Text(max=OPAQUE_TOKEN_LENGTH_MAX)

    @validates_schema
    def require_one_way(self, data: dict[str, Any], **_: object) -> None:
        """Whoever answers a challenge has been named by it; everybody else names themselves."""
        if "mfa_token" in data:
            if "code" not in data:
                raise ValidationError(_MISSING, "code")
            if data.keys() - {"mfa_token", "code"}:
                raise ValidationError("Give it with a code alone.", "mfa_token")
            return
        if "password" not in data:
            raise ValidationError(_MISSING, "password")
        if "email" not in data and "phone" not in data:
            raise ValidationError(_NO_ADDRESS, "email")


class RefreshSchema(Schema):
    """A token to be spent for the next."""

    refresh_token = Text(max=OPAQUE_TOKEN_LENGTH_MAX, required=True)


class SessionPathSchema(Schema):
    """A session."""

    session_id = Id(required=True)


class UserPathSchema(Schema):
    """A person."""

    user_id = Id(required=True)


class ProfileChangeSchema(Schema):
    """What a person changes of themselves."""

    name = Name(max=NAME_LENGTH_MAX)
    email = Email()
    phone = Phone()
    time_zone = TimeZone()


class WalletPathSchema(Schema):
    """A wallet."""

    wallet_id = Id(required=True)


class TransactionPathSchema(Schema):
    """A transaction."""

    transaction_id = Id(required=True)


class WalletOpeningSchema(Schema):
    """A wallet to open."""

    name = Name(max=WALLET_NAME_LENGTH_MAX)
    currency = CurrencyCode(load_default="USD")


class WalletChangeSchema(Schema):
    """A new name, or that this is to be the default wallet; another one takes that over, nothing else ends it."""

    name = Name(max=WALLET_NAME_LENGTH_MAX)
    default = Boolean(validate=validate.Equal(comparable=True, error="Make another wallet the default one instead."))


class CurrencySchema(Schema):
    """A currency to hold."""

    currency = CurrencyCode(required=True)


class CurrencyQuerySchema(Schema):
    """Which currency is asked about."""

    currency = CurrencyCode()


class MoneySchema(Schema):
    """An amount, in the wallet's own currency unless another is named."""

    amount = Amount(required=True)
    currency = CurrencyCode()


class FundsSchema(MoneySchema):
    """Money to add, and the gateway that collects it."""

    gateway = Text(max=40)


class WithdrawalSchema(MoneySchema):
    """Money to pay out, and where to."""

    destination = Text(max=NOTE_LENGTH_MAX)


class TransferSchema(MoneySchema):
    """Money to send: to a wallet, or to whoever is reached by an email address or phone number."""

    to_wallet_id = Id()
    to = Text(max=254)
    note = Text(max=NOTE_LENGTH_MAX, min=0)

    @validates_schema
    def require_one_recipient(self, data: dict[str, Any], **_: object) -> None:
        """One, not none and not two."""
        if ("to_wallet_id" in data) == ("to" in data):
            raise ValidationError("Give to_wallet_id, or to (an email or phone), and not both.", "to_wallet_id")


class PageQuerySchema(Schema):
    """Which page of a list."""

    cursor = Text(max=CURSOR_LENGTH_MAX)
    limit = QueryInteger(min=1, max=PAGE_LENGTH_MAX, load_default=PAGE_LENGTH_DEFAULT)


class HistoryQuerySchema(PageQuerySchema):
    """Which transactions. A date counts whole, in the person's own time zone; a moment is included."""

    from_ = DateOrTimestamp(data_key="from")
    to = DateOrTimestamp()
    type = fields.List(fields.String(validate=validate.OneOf(TRANSACTION_TYPES)))
    status = fields.List(fields.String(validate=validate.OneOf([status.value for status in TransactionStatus])))
    direction = fields.String(validate=validate.OneOf(("in", "out")))
    currency = CurrencyCode()
    min_amount = Amount(zero_allowed=True)
    max_amount = Amount(zero_allowed=True)


class AllHistoryQuerySchema(HistoryQuerySchema):
    """Which transactions, over all wallets or in one."""

    wallet_id = Id()


class CapsSchema(Schema):
    """Maximums to lower."""

    daily = Amount(zero_allowed=True)
    monthly = Amount(zero_allowed=True)


class LimitsChangeSchema(Schema):
    """Limits to lower, for either kind of movement."""

    currency = CurrencyCode()
    transfer = fields.Nested(CapsSchema)
    withdrawal = fields.Nested(CapsSchema)
