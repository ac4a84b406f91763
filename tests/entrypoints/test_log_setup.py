"""Every line of the log is one JSON document, and none shows a secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from entrypoints.environment import Secret
from entrypoints.log_setup import REDACTED, configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("INFO", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_the_request_it_belongs_to(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1", user_id="u-1"):
        structlog.get_logger("wallet").info("money moved", amount=1250)

    [line] = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "money moved",
        "amount": 1250,
        "request_id": "r-1",
        "user_id": "u-1",
        "level": "info",
        "logger": "wallet",
    }


def test_the_standard_librarys_loggers_write_the_same_lines(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logging.getLogger("aiohttp.server").warning("bad %s", "request", extra={"peer": "somewhere"})

    [line] = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("bad request", "aiohttp.server", "warning")
    assert (line["request_id"], line["peer"]) == ("r-1", "somewhere")


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    structlog.get_logger("wallet").debug("quiet")
    logging.getLogger("asyncio").debug("quiet")

    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "key", ["password", "new_password", "access_token", "Authorization", "Set-Cookie", "code", "JWT_SECRET", "api-key"]
)
def test_the_value_of_a_key_that_names_a_secret_is_blotted_out_however_deep(stream: io.StringIO, key: str) -> None:
    structlog.get_logger("wallet").info("in", **{key: "sesame"}, body={"list": [{key: "sesame"}], "kept": 1})

    [line] = lines(stream)
    assert line[key] == REDACTED
    assert line["body"] == {"list": [{key: REDACTED}], "kept": 1}


def test_a_secret_under_an_innocent_key_hides_itself(stream: io.StringIO) -> None:
    structlog.get_logger("wallet").info("in", value=Secret("sesame"))

    assert "sesame" not in stream.getvalue()


@pytest.mark.parametrize(
    "secret",
    [
        "ada.lovelace+test@mail.example.com",
        "ümläut@exämple.org",
        "+4915112345678",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTk.c2lnbmF0dXJl-_",
        "qL0mV7pC2xJ8tR4yB6nW1zK9dF3hS5gA7uE0iO2lM4c",
    ],
)
@pytest.mark.parametrize(
    "sentence", ["{}", "Key (lower(email))=({}) already exists.", "Authorization: Bearer {}", "to {}, again", "'{}'\n"]
)
def test_what_looks_like_a_secret_or_an_address_is_blotted_out_wherever_it_stands(
    stream: io.StringIO, secret: str, sentence: str
) -> None:
    said = sentence.format(secret)

    structlog.get_logger("wallet").info(said, kept=[{"said": said}], shown=ValueError(said), raw=said.encode())
    logging.getLogger("asyncpg").warning("%s", said)
    structlog.get_logger("wallet").error("failed", exc_info=RuntimeError(said))

    assert len(lines(stream)) == 3
    assert stream.getvalue().count(REDACTED) >= 5
    assert secret not in stream.getvalue()
    assert json.dumps(secret)[1:-1] not in stream.getvalue()


def test_whoever_logs_in_to_a_server_is_not_told_of(stream: io.StringIO) -> None:
    structlog.get_logger("wallet").info("no answer from postgresql://wallet:open-sesame@db:5432/wallet")

    assert lines(stream)[0]["event"] == f"no answer from postgresql://{REDACTED}@db:5432/wallet"


def test_what_is_neither_stays_as_it_is(stream: io.StringIO) -> None:
    said = {
        "request_id": "31f0ee368f24dbdfee35128e672c3c55",
        "user_id": "01a1f862-8568-7353-882d-d67d11289538",
        "route": "/wallets/{wallet_id}/transfer",
        "at": "2026-11-20T09:56:08.682657+00:00",
        "sum": "1 + 1000000 = 1000001",
        "name": "test_what_is_neither_a_secret_nor_an_address_stays_as_it_is",
        "number": 4915112345678,
        "nothing": None,
    }

    structlog.get_logger("wallet").info("in", **said)

    assert said.items() <= lines(stream)[0].items()


def test_row_71_no_text_forges_a_second_line(stream: io.StringIO) -> None:
    structlog.get_logger("wallet").info("one\r\n{}", name='"\n\u2028{"event": "two"}')

    assert len(stream.getvalue().split("\n")) == 2
    assert lines_by_newline(stream)[0]["event"] == "one\r\n{}"


def lines_by_newline(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split("\n") if line]


@pytest.mark.parametrize("value", ["lone \ud800", 2**70, {1: "x"}, Secret, float("nan"), b"\xff"])
def test_no_value_is_too_odd_to_be_written(stream: io.StringIO, value: object) -> None:
    structlog.get_logger("wallet").info("odd", value=value)

    assert lines(stream)[0]["event"] == "odd"


def test_an_exception_is_written_without_its_local_variables(stream: io.StringIO) -> None:
    def fail() -> None:
        password = "sesame"
        raise RuntimeError(f"broken with {len(password)} letters")

    try:
        fail()
    except RuntimeError:
        structlog.get_logger("wallet").exception("failed")

    [line] = lines(stream)
    assert "RuntimeError: broken with 6 letters" in line["exception"]
    assert "'sesame'" not in line["exception"]
