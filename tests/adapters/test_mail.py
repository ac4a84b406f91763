"""Mail by SMTP to a real server, and into a folder."""

import asyncio
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.notifications.mailbox import FolderMailbox
from adapters.notifications.smtp import SmtpCourier
from adapters.notifications.templates import JinjaStationery
from entrypoints.embedded.ports import LOOPBACK, free_port
from wallet_core.clock import system_clock
from wallet_core.faults import Unavailable
from wallet_core.notifications.letters import transfer_received
from wallet_core.notifications.messages import Mail, Received, Sms
from wallet_core.notifications.ports import Undeliverable
from wallet_core.testing.builders import new_id
from wallet_core.testing.clock import NOON, SettableClock
from wallet_core.testing.contracts import CourierContract, MailboxContract
from wallet_core.testing.contracts.notifications import a_mail

SENDER: Final = "Wallet <wallet@example.org>"
USERNAME, PASSWORD = "wallet", "p@ss/word:1"
URL_LOGIN: Final = "wallet:p%40ss%2Fword%3A1"


@dataclass
class Office:
    """What a mail server does with what it takes: it keeps it, unless it was told what to answer."""

    port: int
    taken: list[tuple[Envelope, bool]] = field(default_factory=list)
    answer: str = "250 OK"
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - so called by the server
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer == "250 OK":
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return self.answer

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.taken.append((envelope, session.ssl is not None))
        return "250 taken"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append(given.login.decode())
        return AuthResult(
            success=(given.login, given.password) == (USERNAME.encode(), PASSWORD.encode()), handled=False
        )

    def letters(self) -> list[EmailMessage]:
        """What it took, read."""
        return [message_from_bytes(_content(envelope), EmailMessage, policy=default) for envelope, _ in self.taken]

    async def newest(self, number: int, *, to: str | None = None) -> list[Received]:
        """As Mailbox.newest."""
        mails = [
            Mail(
                to=letter["To"],
                subject=letter["Subject"],
                body=_part(letter, "plain") or "",
                html=_part(letter, "html"),
            )
            for letter in reversed(self.letters())
        ]
        return [Received(id=new_id(), message=mail, received_at=NOON) for mail in mails if to in (None, mail.to)][
            :number
        ]


def _part(letter: EmailMessage, kind: str) -> str | None:
    found = letter.get_body((kind,))
    return None if found is None else found.get_content().replace("\r\n", "\n")


def _content(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail server of a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="module")
def trusted(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@asynccontextmanager
async def an_office(*, tls_from_the_start: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Office]:
    """A mail server while the block runs."""
    office = Office(free_port())
    loop = asyncio.get_running_loop()
    make = partial(SMTP, office, loop=loop, authenticator=office.authenticate, enable_SMTPUTF8=True, **options)
    server = await loop.create_server(make, LOOPBACK, office.port, ssl=tls_from_the_start)
    try:
        yield office
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def office(server_tls: ssl.SSLContext) -> AsyncIterator[Office]:
    """A mail server that wants STARTTLS and a log-in."""
    async with an_office(tls_context=server_tls, require_starttls=True, auth_required=True) as office:
        yield office


def a_courier(office: Office, trusted: ssl.SSLContext, *, url: str = "smtp://{login}@{host}:{port}") -> SmtpCourier:
    return SmtpCourier(
        url.format(login=URL_LOGIN, host=LOOPBACK, port=office.port),
        sender=SENDER,
        clock=SettableClock(),
        answer_seconds_max=5,
        trusted=trusted,
    )


class TestSmtpCourier(CourierContract):
    @pytest.fixture
    def courier(self, office: Office, trusted: ssl.SSLContext) -> SmtpCourier:
        return a_courier(office, trusted)

    @pytest.fixture
    def arrived(self, office: Office) -> Office:
        return office

    @pytest.fixture
    def unreachable_courier(self, trusted: ssl.SSLContext) -> SmtpCourier:
        return a_courier(Office(free_port()), trusted)


class TestFolderMailbox(CourierContract, MailboxContract):
    @pytest.fixture
    def courier(self, tmp_path: Path) -> FolderMailbox:
        return a_folder(tmp_path / "not there yet" / "mailbox", kept_max=self.kept_max)

    @pytest.fixture
    def mailbox(self, courier: FolderMailbox) -> FolderMailbox:
        return courier

    @pytest.fixture
    def arrived(self, courier: FolderMailbox) -> FolderMailbox:
        return courier

    @pytest.fixture
    def unreachable_courier(self, tmp_path: Path) -> FolderMailbox:
        (tmp_path / "a file").touch()
        return a_folder(tmp_path / "a file" / "mailbox")


def a_folder(path: Path, *, kept_max: int = 100) -> FolderMailbox:
    return FolderMailbox(path, clock=system_clock, ids=new_id, kept_max=kept_max)


async def test_mail_goes_out_encrypted_after_a_log_in_with_all_that_a_letter_has(
    office: Office, trusted: ssl.SSLContext
) -> None:
    await a_courier(office, trusted).deliver(a_mail())

    [(envelope, encrypted)], [letter] = office.taken, office.letters()
    assert encrypted
    assert office.logins == [USERNAME]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("wallet@example.org", ["alice@example.org"])
    assert (letter["From"], letter["Auto-Submitted"]) == (SENDER, "auto-generated")
    assert letter["Date"].datetime == NOON
    assert letter["Message-ID"].endswith("@example.org>")
    assert letter.get_content_type() == "text/plain"


async def test_a_letter_goes_out_as_text_and_as_html_under_the_name_that_it_has(
    office: Office, trusted: ssl.SSLContext
) -> None:
    reference = new_id()
    mail = JinjaStationery().mail(
        transfer_received("1.00 USD", "<b>Zo\u00eb</b>"), to="alice@example.org", reference=reference
    )

    await SmtpCourier(
        f"smtp://{URL_LOGIN}@{LOOPBACK}:{office.port}", sender=SENDER, clock=SettableClock(), trusted=trusted
    ).deliver(mail)

    [letter] = office.letters()
    assert letter.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    assert letter["Message-ID"] == f"<{reference}@example.org>"
    assert [each.message for each in await office.newest(1)] == [mail]
    assert "&lt;b&gt;Zo\u00eb&lt;/b&gt;" in (_part(letter, "html") or "")


async def test_a_server_without_starttls_is_told_nothing(trusted: ssl.SSLContext) -> None:
    async with an_office(auth_require_tls=False) as office:
        with pytest.raises(Unavailable):
            await a_courier(office, trusted).deliver(a_mail())

        assert (office.taken, office.logins) == ([], [])


async def test_a_server_that_nobody_vouches_for_is_told_nothing(office: Office) -> None:
    with pytest.raises(Unavailable):
        await a_courier(office, ssl.create_default_context()).deliver(a_mail())

    assert (office.taken, office.logins) == ([], [])


async def test_tls_from_the_first_byte_and_none_at_all_are_taken_where_they_are_asked_for(
    server_tls: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    async with an_office(tls_from_the_start=server_tls, auth_require_tls=False) as secure:
        await a_courier(secure, trusted, url="smtps://{login}@{host}:{port}").deliver(a_mail())
    async with an_office() as plain:
        await a_courier(plain, trusted, url="smtp+plain://{host}:{port}").deliver(a_mail())

    assert [len(secure.taken), len(plain.taken)] == [1, 1]
    assert (secure.logins, plain.logins) == ([USERNAME], [])


@pytest.mark.parametrize(
    ("answer", "fault"),
    [("550 5.1.1 <alice@example.org> is unknown", Undeliverable), ("451 alice@example.org, later", Unavailable)],
)
async def test_what_a_server_says_is_told_by_its_number_alone(
    office: Office, trusted: ssl.SSLContext, answer: str, fault: type[Exception]
) -> None:
    office.answer = answer

    with pytest.raises(fault, match=answer[:3]) as raised:
        await a_courier(office, trusted).deliver(a_mail())

    assert "alice" not in repr(raised.value)
    assert raised.value.__cause__ is None


async def test_a_wrong_log_in_says_nothing_of_the_mail_which_may_be_tried_again(
    office: Office, trusted: ssl.SSLContext
) -> None:
    with pytest.raises(Unavailable, match="535"):
        await a_courier(office, trusted, url="smtp://wallet:wrong@{host}:{port}").deliver(a_mail())

    assert office.taken == []


async def test_a_sender_who_is_refused_says_nothing_of_the_mail_either(
    office: Office, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> str:
        return "550 Not you"

    monkeypatch.setattr(office, "handle_MAIL", refuse, raising=False)

    with pytest.raises(Unavailable, match="550"):
        await a_courier(office, trusted).deliver(a_mail())


async def test_an_address_in_other_letters_is_written_to(office: Office, trusted: ssl.SSLContext) -> None:
    mail = a_mail("zo\u00eb@example.org")

    await a_courier(office, trusted).deliver(mail)

    assert [envelope.rcpt_tos for envelope, _ in office.taken] == [[mail.to]]


@pytest.mark.parametrize("address", ["=?utf-8?q?alice?=@example.org", "alice@example.org, eve@example.org"])
async def test_an_address_that_would_be_read_as_another_one_is_written_to_by_nobody(
    office: Office, trusted: ssl.SSLContext, address: str
) -> None:
    with pytest.raises(Undeliverable):
        await a_courier(office, trusted).deliver(a_mail(address))

    assert office.taken == []


async def test_a_header_cannot_be_added_by_a_subject_or_an_address(office: Office, trusted: ssl.SSLContext) -> None:
    courier = a_courier(office, trusted)

    for mail in (a_mail(subject="Hello\r\nBcc: eve@example.org"), a_mail("alice@example.org\nBcc: eve@example.org")):
        with pytest.raises(Undeliverable):
            await courier.deliver(mail)

    assert office.taken == []


async def test_a_mail_server_takes_no_text_messages(office: Office, trusted: ssl.SSLContext) -> None:
    with pytest.raises(Undeliverable):
        await a_courier(office, trusted).deliver(Sms(to="+41446681800", body="Some words."))


async def test_a_server_that_does_not_answer_is_given_up(trusted: ssl.SSLContext) -> None:
    given_up = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        given_up.set()

    silent = await asyncio.start_server(say_nothing, LOOPBACK, 0)
    port = silent.sockets[0].getsockname()[1]
    courier = SmtpCourier(
        f"smtp://{LOOPBACK}:{port}", sender=SENDER, clock=system_clock, answer_seconds_max=0.1, trusted=trusted
    )

    async with silent:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(courier.deliver(a_mail()), 5)
        await asyncio.wait_for(given_up.wait(), 5)


async def test_text_messages_lie_in_the_folder_beside_mail(tmp_path: Path) -> None:
    folder, sms = a_folder(tmp_path), Sms(to="+41446681800", body="Some words.")

    await folder.deliver(a_mail())
    await folder.deliver(sms)

    assert [each.message for each in await folder.newest(9)] == [sms, a_mail()]
    assert [each.message for each in await a_folder(tmp_path).newest(9, to=sms.to)] == [sms]


async def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "mailbox"

    await a_folder(path).deliver(a_mail())

    assert path.stat().st_mode & 0o777 == 0o700
    assert [each.stat().st_mode & 0o777 for each in path.iterdir()] == [0o600]


async def test_what_is_no_message_is_passed_over(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    await folder.deliver(a_mail())
    (tmp_path / "ffffffff.json").write_text("{", encoding="utf-8")
    (tmp_path / "fffffffe.json").write_text(json.dumps({"channel": "mail"}), encoding="utf-8")
    (tmp_path / "fffffffd.part").write_text("half", encoding="utf-8")

    assert [each.message for each in await folder.newest(9)] == [a_mail()]
