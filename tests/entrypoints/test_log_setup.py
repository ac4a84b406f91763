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


def test_no_text_forges_a_second_line(stream: io.StringIO) -> None:
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
