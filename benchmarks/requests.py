"""Requests as bytes, made before anything is measured: a load generator only puts a key between two parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson

from adapters.security.tokens import JwtAccessTokens
from benchmarks.books import CURRENCY, Size, session_id, user_id, wallet_id
from wallet_core.identity.entities import Role
from wallet_core.ids import WalletId

_TOKEN_SECONDS: Final = 86_400
_LINE_END: Final = "\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Any of the heads, a key, and any of the tails but the one of the same number make a request.

    Without tails a head is a whole request. `expected` is the status that counts.
    """

    heads: Sequence[str]
    tails: Sequence[str]
    expected: HTTPStatus

    def write(self, path: Path) -> None:
        """Write them down, one a line behind a line with their numbers, for a load generator to read."""
        parts = [f"{len(self.heads)} {len(self.tails)}", *self.heads, *self.tails]
        path.write_text("\n".join(part.replace(_LINE_END, "\\r\\n") for part in parts) + "\n", encoding="ascii")

    @staticmethod
    def read(path: Path, expected: HTTPStatus) -> "Requests":
        """What `write` has written."""
        first, *lines = path.read_text(encoding="ascii").splitlines()
        heads_number = int(first.split()[0])
        parts = [line.replace("\\r\\n", _LINE_END) for line in lines]
        return Requests(heads=parts[:heads_number], tails=parts[heads_number:], expected=expected)


class Callers:
    """People with tokens, as many as the books have, signed with the secret of the service."""

    def __init__(self, size: Size, jwt_secret: str) -> None:
        tokens = JwtAccessTokens(
            secret=jwt_secret.encode(),
            issuer="wallet",
            audience="wallet-api",
            clock=lambda: datetime.now(UTC),
            ids=uuid4,
            lifetime_seconds=_TOKEN_SECONDS,
        )
        self._tokens = [
            tokens.issue(user_id=user_id(number), session_id=session_id(number), role=Role.USER).token
            for number in range(size.people + 1)
        ]

    def posting(self, action: str, people: int) -> Requests:
        """`POST /wallets/…/action` with the body of a transfer, by any of the first people to any other of them."""
        return Requests(
            heads=[
                f"POST /wallets/{wallet_id(number)}/{action} HTTP/1.1{_LINE_END}{self._headers(number)}"
                f"Content-Type: application/json{_LINE_END}Idempotency-Key: "
                for number in range(people)
            ],
            tails=[_tail(wallet_id(number)) for number in range(people)],
            expected=HTTPStatus.CREATED,
        )

    def reading(self, path: str, people: Sequence[int]) -> Requests:
        """`GET /wallets/…/path` by any of those people."""
        return Requests(
            heads=[
                f"GET /wallets/{wallet_id(number)}/{path} HTTP/1.1{_LINE_END}{self._headers(number)}{_LINE_END}"
                for number in people
            ],
            tails=[],
            expected=HTTPStatus.OK,
        )

    def _headers(self, number: int) -> str:
        return f"Host: bench{_LINE_END}Authorization: Bearer {self._tokens[number]}{_LINE_END}"


def _tail(to: WalletId) -> str:
    body = orjson.dumps({"to_wallet_id": str(to), "amount": "0.01", "currency": CURRENCY}).decode()
    return f"{_LINE_END}Content-Length: {len(body)}{_LINE_END}{_LINE_END}{body}"
