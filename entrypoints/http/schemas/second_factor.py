"""What requests and answers about a second factor carry."""

from marshmallow import fields, validate

from entrypoints.http.schemas.fields import Integer, Schema, Text
from entrypoints.http.schemas.requests import CODE_LENGTH_MAX, PasswordField
from wallet_core.identity.entities import PASSWORD_LENGTH_MAX
from wallet_core.identity.second_factor import RECOVERY_CODES


class CodeSchema(Schema):
    """A code of an authenticator app."""

    code = Text(max=CODE_LENGTH_MAX, required=True)


class FactorEndSchema(Schema):
    """What ends a second factor: the password, and a code of the app or a recovery code."""

    password = PasswordField(required=True, validate=validate.Length(max=PASSWORD_LENGTH_MAX * 4))
    code = Text(max=CODE_LENGTH_MAX, required=True)


class ProofSchema(Schema):
    """Who one is, once more: a code where there is a second factor, else the password; both where both are given."""

    password = PasswordField(validate=validate.Length(max=PASSWORD_LENGTH_MAX * 4))
    code = Text(max=CODE_LENGTH_MAX)


class EnrolmentSchema(Schema):
    """What is shown this once: the secret as text, as a URI for apps and as a picture of that, and recovery codes."""

    secret = fields.String(required=True)
    otpauth_uri = fields.String(required=True)
    qr_svg = fields.String(required=True)
    recovery_codes = fields.List(
        fields.String(required=True), required=True, validate=validate.Length(equal=RECOVERY_CODES)
    )


class FactorStateSchema(Schema):
    """Whether codes are asked for, and how many recovery codes are left."""

    enabled = fields.Boolean(required=True)
    recovery_codes_left = Integer(required=True, min=0, max=RECOVERY_CODES)
