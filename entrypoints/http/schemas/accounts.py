"""What requests about passwords and addresses carry, and what those are answered that are done later."""

from marshmallow import fields, validate

from entrypoints.http.schemas.fields import Schema, Text
from entrypoints.http.schemas.requests import (
    CODE_LENGTH_MAX,
    OPAQUE_TOKEN_LENGTH_MAX,
    AddressedSchema,
    PasswordField,
)
from wallet_core.identity.entities import PASSWORD_LENGTH_MAX


class PasswordChangeSchema(Schema):
    """The password that somebody has, and the one that they want."""

    current_password = PasswordField(required=True, validate=validate.Length(max=PASSWORD_LENGTH_MAX * 4))
    new_password = PasswordField(required=True, validate=validate.Length(max=PASSWORD_LENGTH_MAX * 4))


class PasswordForgottenSchema(AddressedSchema):
    """Whose password it is, by email, phone or both."""


class PasswordResetSchema(Schema):
    """The token of the link that was sent, and the password that its owner wants."""

    token = Text(max=OPAQUE_TOKEN_LENGTH_MAX, required=True)
    new_password = PasswordField(required=True, validate=validate.Length(max=PASSWORD_LENGTH_MAX * 4))


class AddressCodeSchema(Schema):
    """The code that was sent to an address."""

    code = Text(max=CODE_LENGTH_MAX, required=True)


class AcceptedSchema(Schema):
    """That it is being done, if there is anything to do."""

    status = fields.String(required=True, validate=validate.Equal("accepted"))
