"""Variables of the environment: read one by one, their faults gathered, and what is secret never shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import OneOf, Range

T = TypeVar("T")

SECRET_BYTES_MIN: Final = 32


class SettingsError(ValueError):
    """The environment does not describe a service that may start. The message has one fault a line, and no secret."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Secret:
    """Text that shows itself only when asked: no log line, traceback or JSON document prints it by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret('…')"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDescription:
    """One variable of the environment. A secret one may also be named with `_FILE` and hold the path of a file."""

    name: str
    default: str | None
    meaning: str
    required: bool = False
    secret: bool = False


class _Variables(Env):
    """Reads the mapping it was given, where Env reads the environment of its own process."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self._given = given

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._given.get(env_key, default)


class Reader:
    """Reads variables one by one and gathers what is wrong with them.

    A faulty variable reads as a placeholder, so that the others are read too; `raise_faults` has the last word.
    """

    def __init__(self, table: Sequence[SettingDescription], environ: Mapping[str, str]) -> None:
        self._faults: dict[str, list[str]] = {}
        self._given = {row.name: row.default for row in table if row.default is not None}
        for row in table:
            written = environ.get(row.name, "").strip()
            if written:
                self._given[row.name] = written
            if row.secret and environ.get(f"{row.name}_FILE"):
                self._read_file(row.name, Path(environ[f"{row.name}_FILE"]))
        self._variables = _Variables(self._given)

    def has(self, name: str) -> bool:
        """Whether the variable has any value, its default included."""
        return name in self._given

    def text(self, name: str) -> str:
        """Any text."""
        return self._variables.str(name) or ""

    def truth(self, name: str) -> bool:
        """true or false, in the usual spellings."""
        return bool(self._variables.bool(name))

    def integer(self, name: str, *, least: int, most: int) -> int:
        """A whole number within bounds."""
        number = self._variables.int(name, validate=Range(min=least, max=most))
        return least if number is None else number

    def choice(self, name: str, choices: list[str], *, placeholder: str) -> str:
        """One of the given words."""
        return self._variables.str(name, validate=OneOf(choices)) or placeholder

    def secret(self, name: str, check: Callable[[str], None]) -> Secret:
        """Text that is never shown; `check` raises ValidationError with a message that does not show it either."""
        return Secret(self._variables.str(name, validate=check) or "")

    def parsed(self, name: str, parse: Callable[[str], T], *, placeholder: T) -> T:
        """Whatever `parse` makes of the text. It raises ValidationError."""
        try:
            return parse(self._given[name])
        except ValidationError as error:
            for message in error.messages:
                self.fault(name, message)
            return placeholder

    def fault(self, name: str, message: str) -> None:
        """Remember what is wrong with a variable."""
        self._faults.setdefault(name, []).append(message)

    def raise_faults(self) -> None:
        """Raise SettingsError when anything was wrong."""
        try:
            self._variables.seal()
        except EnvValidationError as error:
            # Env gives a mapping here; a bare list belongs to its eager mode.
            by_name = error.error_messages if isinstance(error.error_messages, Mapping) else {"": error.error_messages}
            for name, messages in by_name.items():
                # A secret whose file cannot be read has been reported under the file's own name.
                if f"{name}_FILE" not in self._faults:
                    self._faults.setdefault(name, []).extend(messages)
        if self._faults:
            raise SettingsError(f"{name}: {message}" for name, each in self._faults.items() for message in each)

    def _read_file(self, name: str, path: Path) -> None:
        if name in self._given:
            self.fault(f"{name}_FILE", f"Set this or {name}, not both.")
            return
        try:
            self._given[name] = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            self.fault(f"{name}_FILE", "Must be the path of a readable file of UTF-8 text.")


def url_of(*schemes: str) -> Callable[[str], None]:
    """A check that a text is a URL of one of the schemes."""

    def check(written: str) -> None:
        try:
            scheme = urlsplit(written).scheme
        except ValueError:
            scheme = ""
        if scheme not in schemes:
            raise ValidationError(f"Must be a URL that begins with {' or '.join(f'{each}://' for each in schemes)}.")

    return check


def strong_secret(*, example_allowed: bool) -> Callable[[str], None]:
    """A check that a secret is long enough to be one, and not the published example where that matters."""

    def check(written: str) -> None:
        try:
            size = len(written.encode("utf-8"))
        except UnicodeEncodeError:
            raise ValidationError("Must be UTF-8 text.") from None
        if size < SECRET_BYTES_MIN:
            raise ValidationError(f"Must have {SECRET_BYTES_MIN} bytes or more.")
        if not example_allowed and "example" in written.lower():
            raise ValidationError("Must not be the example: that value is public.")

    return check
