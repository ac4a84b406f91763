"""Addresses of people in a request: email and phone, each in the one form it is kept in."""

from typing import Any, Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError

from entrypoints.http.schemas.fields import DocumentedField

EMAIL_LENGTH_MAX: Final = 254
PHONE_LENGTH_MAX: Final = 40


class Email(DocumentedField[str]):
    """An email address. Its form is checked and its domain lower-cased; whether it is answered, a letter must tell."""

    def read(self, value: Any) -> str:
        """The normalised address."""
        if not isinstance(value, str) or len(value) > EMAIL_LENGTH_MAX:
            raise ValidationError("Must be an email address.")
        try:
            return validate_email(value, check_deliverability=False, test_environment=True).normalized
        except EmailNotValidError:
            raise ValidationError("Must be an email address.") from None

    def json_schema(self) -> dict[str, Any]:
        """A string of that format."""
        return {"type": "string", "format": "email", "maxLength": EMAIL_LENGTH_MAX, "example": "ada@example.com"}


class Phone(DocumentedField[str]):
    """A phone number with its country code."""

    def read(self, value: Any) -> str:
        """The number in E.164, such as +14155550123."""
        if not isinstance(value, str) or len(value) > PHONE_LENGTH_MAX:
            raise ValidationError("Must be a phone number with its country code, such as +14155550123.")
        try:
            number = phonenumbers.parse(value, None)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_possible_number(number):
            raise ValidationError("Must be a phone number with its country code, such as +14155550123.")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def json_schema(self) -> dict[str, Any]:
        """A string of that form."""
        return {"type": "string", "maxLength": PHONE_LENGTH_MAX, "example": "+14155550123"}
