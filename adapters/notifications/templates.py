"""Letters as mail, laid out by Jinja2: what they say stands in the core, what they look like in `templates/`."""

from pathlib import Path
from typing import Final
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from wallet_core.notifications.letters import Letter
from wallet_core.notifications.messages import Mail

_FOLDER: Final = Path(__file__).parent / "templates"


class JinjaStationery:
    """A Stationery. In HTML everything that a letter says is escaped; a paragraph that is a link leads there."""

    def __init__(self) -> None:
        layouts = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
        )
        self._plain = layouts.get_template("letter.txt")
        self._html = layouts.get_template("letter.html")

    def mail(self, letter: Letter, *, to: str, reference: UUID | None = None) -> Mail:
        """As Stationery.mail."""
        return Mail(
            to=to,
            subject=letter.subject,
            body=self._plain.render(text=letter.text),
            html=self._html.render(subject=letter.subject, text=letter.text),
            reference=reference,
        )
