"""The one shape in which anything is refused: RFC 9457 with a stable code, and the table of those codes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson
from aiohttp import hdrs, web
from multidict import CIMultiDict

PROBLEM_CODE: Final = web.ResponseKey("problem_code", str)
"""What an answer refuses a request for, said to whoever counts."""

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"
ERRORS_MAX: Final = 20
"""The most single faults one answer lists, so that no small request earns a large answer."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """What a code means: its status, its title (`error` in the body) and a line for whoever meets it."""

    status: HTTPStatus
    title: str
    explanation: str
    headers: Mapping[str, str] | None = None


_BAD = HTTPStatus.BAD_REQUEST
_FORBIDDEN = HTTPStatus.FORBIDDEN
_CONFLICT = HTTPStatus.CONFLICT
_UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE
_BEARER: Final[Mapping[str, str]] = MappingProxyType({"WWW-Authenticate": "Bearer"})
_RETRY_SOON: Final[Mapping[str, str]] = MappingProxyType({"Retry-After": "1"})
_RETRY_LATER: Final[Mapping[str, str]] = MappingProxyType({"Retry-After": "5"})
_HANG_UP: Final[Mapping[str, str]] = MappingProxyType({"Connection": "close"})

PROBLEMS: Final[Mapping[str, ProblemType]] = MappingProxyType(
    {
        # Form: the request cannot be read as what it should be.
        "malformed_request": ProblemType(_BAD, "Malformed request", "The request is not HTTP as it is read here."),
        "malformed_json": ProblemType(_BAD, "Malformed JSON", "The body is not one strict UTF-8 JSON object."),
        "invalid_request": ProblemType(_BAD, "Invalid request", "A value is missing or wrong; `errors` names each."),
        "unknown_field": ProblemType(_BAD, "Unknown field", "A field or filter is given that is not known here."),
        "invalid_cursor": ProblemType(
            _BAD, "Invalid cursor", "The cursor does not belong to this list and these filters."
        ),
        "weak_password": ProblemType(_BAD, "Weak password", "The password breaks a rule; `detail` says which."),
        "request_timeout": ProblemType(
            HTTPStatus.REQUEST_TIMEOUT, "Request timeout", "The body did not arrive in time.", _HANG_UP
        ),
        "payload_too_large": ProblemType(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Payload too large", "The body is larger than is taken.", _HANG_UP
        ),
        "unsupported_media_type": ProblemType(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "Send the body as plain application/json."
        ),
        "expectation_failed": ProblemType(
            HTTPStatus.EXPECTATION_FAILED, "Expectation failed", "No other expectation than 100-continue is met."
        ),
        "not_found": ProblemType(HTTPStatus.NOT_FOUND, "Not found", "There is no such thing, or it is not yours."),
        "method_not_allowed": ProblemType(
            HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed", "The `Allow` header lists what this path takes."
        ),
        # Money.
        "amount_invalid": ProblemType(_BAD, "Invalid amount", "Write an amount as a plain number such as '12.50'."),
        "amount_precision": ProblemType(_BAD, "Too precise", "The amount has more decimals than its currency."),
        "amount_not_positive": ProblemType(_BAD, "Amount not positive", "The amount must be more than zero."),
        "insufficient_funds": ProblemType(_BAD, "Insufficient balance", "The wallet holds less than the amount."),
        "currency_mismatch": ProblemType(_BAD, "Currency mismatch", "The other wallet does not take that currency."),
        "currency_not_enabled": ProblemType(_BAD, "Currency not enabled", "The currency is not one dealt in here."),
        "same_wallet": ProblemType(_BAD, "Same wallet", "Sender and recipient are the same wallet."),
        "recipient_unavailable": ProblemType(_BAD, "Recipient unavailable", "The recipient cannot receive this."),
        "balance_too_large": ProblemType(_BAD, "Balance too large", "The balance would be more than can be kept."),
        "limit_too_high": ProblemType(
            _BAD, "Limit too high", "Nobody may set themselves more than the operator granted."
        ),
        "limit_exceeded": ProblemType(
            _FORBIDDEN, "Limit exceeded", "`remaining` may still be moved until `resets_at`."
        ),
        "wallet_frozen": ProblemType(_FORBIDDEN, "Wallet frozen", "The wallet neither sends nor receives for now."),
        # Idempotency.
        "idempotency_key_required": ProblemType(
            _BAD, "Idempotency key required", "Send an `Idempotency-Key` header, so that a retry never pays twice."
        ),
        "idempotency_key_invalid": ProblemType(
            _BAD, "Idempotency key invalid", "A key has 1 to 255 visible ASCII characters and is sent once."
        ),
        "idempotency_key_reused": ProblemType(
            HTTPStatus.UNPROCESSABLE_ENTITY, "Idempotency key reused", "The key was used before with another request."
        ),
        # People.
        "unauthorized": ProblemType(
            HTTPStatus.UNAUTHORIZED, "Unauthorized", "Send a valid access token as `Authorization: Bearer`.", _BEARER
        ),
        "session_expired": ProblemType(
            HTTPStatus.UNAUTHORIZED, "Session expired", "It was not used for too long, or is over; log in.", _BEARER
        ),
        "session_ended": ProblemType(
            HTTPStatus.UNAUTHORIZED, "Session ended", "It was ended, here or on another device; log in.", _BEARER
        ),
        "refresh_reused": ProblemType(
            HTTPStatus.UNAUTHORIZED,
            "Refresh token reused",
            "The refresh token was spent before, so that somebody else may have it: its session was ended; log in.",
            _BEARER,
        ),
        "invalid_credentials": ProblemType(
            HTTPStatus.UNAUTHORIZED, "Invalid credentials", "No such person, or not that password or code.", _BEARER
        ),
        "second_factor_required": ProblemType(
            HTTPStatus.UNAUTHORIZED,
            "Second factor required",
            "Log in again with the `mfa_token` of this answer and a `code`.",
            _BEARER,
        ),
        "mfa_token_expired": ProblemType(
            HTTPStatus.UNAUTHORIZED,
            "Log-in over",
            "The `mfa_token` was used, has expired or got too many wrong codes; begin with the password again.",
            _BEARER,
        ),
        "too_many_attempts": ProblemType(
            HTTPStatus.TOO_MANY_REQUESTS, "Too many attempts", "Wait as many seconds as `Retry-After` says."
        ),
        "too_many_streams": ProblemType(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many streams",
            "You have as many streams of live updates open as one may; end another one first.",
            _RETRY_LATER,
        ),
        "foreign_origin": ProblemType(
            _FORBIDDEN, "Foreign origin", "Another site's page may not ask this on behalf of whoever looks at it."
        ),
        "wrong_password": ProblemType(_FORBIDDEN, "Wrong password", "That is not your present password."),
        "invalid_reset_token": ProblemType(
            _BAD, "Invalid reset token", "It was used, has expired, is not the one sent last, or never was one."
        ),
        "invalid_code": ProblemType(
            _BAD, "Invalid code", "It is not the one sent last, was used, has expired, or was tried too often."
        ),
        "forbidden": ProblemType(_FORBIDDEN, "Forbidden", "Your role does not allow this."),
        "account_deactivated": ProblemType(_FORBIDDEN, "Account deactivated", "The account may not act."),
        "reauth_required": ProblemType(
            _FORBIDDEN, "Proof required", "Prove who you are at `/auth/step-up`, then ask again within five minutes."
        ),
        "step_up_required": ProblemType(
            _FORBIDDEN,
            "Step-up required",
            "So much moves only after a code: give one at `/auth/step-up`, then ask again within five minutes.",
        ),
        # States.
        "conflict": ProblemType(_CONFLICT, "Conflict", "What is asked does not fit the present state."),
        "last_admin": ProblemType(_CONFLICT, "Last admin", "Nobody would be left who administers the service."),
        "second_factor_on": ProblemType(_CONFLICT, "Second factor on", "Your second factor is on; turn it off first."),
        "second_factor_off": ProblemType(
            _CONFLICT, "No second factor", "You have no second factor that could be turned on or off."
        ),
        "address_verified": ProblemType(_CONFLICT, "Address verified", "It is verified already; there is no code."),
        "email_taken": ProblemType(_CONFLICT, "Email taken", "Somebody is reached by that email address already."),
        "phone_taken": ProblemType(_CONFLICT, "Phone taken", "Somebody is reached by that phone number already."),
        "wallet_name_taken": ProblemType(_CONFLICT, "Wallet name taken", "You have a wallet of that name already."),
        "too_many_wallets": ProblemType(_CONFLICT, "Too many wallets", "You have as many wallets as a person may."),
        # Faults: not the client's doing.
        "overloaded": ProblemType(_UNAVAILABLE, "Overloaded", "Too much waits already; nothing happened.", _RETRY_SOON),
        "unavailable": ProblemType(
            _UNAVAILABLE, "Unavailable", "A needed part does not answer; nothing happened.", _RETRY_SOON
        ),
        "outcome_unknown": ProblemType(
            _UNAVAILABLE,
            "Outcome unknown",
            "Whether it happened cannot be told now; ask again with the same idempotency key.",
            _RETRY_SOON,
        ),
        "internal": ProblemType(
            HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", "This is our fault; name the request id when asking."
        ),
    }
)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one value: where it stands (`body.amount`, `query.limit`) and what is wrong."""

    field: str
    message: str


class Problem(Exception):
    """A request is refused, for one of the reasons in PROBLEMS.

    `detail` says it of this very request (the code's explanation if not given), `members` are added to the body
    (`limit`, `used`), `headers` to the answer. An unknown code is a KeyError where it is raised. A refusal that is
    given again names, in `request_id`, the request that met it first.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.type = PROBLEMS[code]
        self.detail = detail if detail is not None else self.type.explanation
        self.errors = errors[:ERRORS_MAX]
        self.headers = headers or {}
        self.members = members
        self.request_id: str | None = None

    def body(self, request_id: str) -> dict[str, object]:
        """The JSON object that tells the client."""
        return self.members | {
            "error": self.type.title,
            "code": self.code,
            "status": int(self.type.status),
            "type": f"/problems/{self.code}",
            "detail": self.detail,
            "request_id": self.request_id or request_id,
            "errors": [asdict(error) for error in self.errors],
        }


def json_response(
    payload: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with JSON that no cache keeps; `headers` may say otherwise."""
    # Built by hand, for web.json_response spends longer on the content type than orjson on the payload.
    all_headers = CIMultiDict({hdrs.CONTENT_TYPE: JSON, hdrs.CACHE_CONTROL: "no-store"})
    if headers:
        all_headers.update(headers)
    return web.Response(body=orjson.dumps(payload), status=status, headers=all_headers)


def no_content() -> web.Response:
    """Answer that it is done, and that there is nothing to say of it."""
    return web.Response(status=HTTPStatus.NO_CONTENT, headers={hdrs.CACHE_CONTROL: "no-store"})


def problem_response(problem: Problem, *, request_id: str, accept: str = "") -> web.Response:
    """Answer with a problem, as application/problem+json where `accept` (the header) asks for that."""
    content_type = PROBLEM_JSON if _asks_for_problem_json(accept) else JSON
    headers = {**(problem.type.headers or {}), **problem.headers, hdrs.CONTENT_TYPE: content_type}
    response = json_response(problem.body(request_id), problem.type.status, headers)
    response[PROBLEM_CODE] = problem.code
    if headers.get(hdrs.CONNECTION) == "close":
        response.force_close()
    return response


def weak_password(why: str, field: str) -> Problem:
    """A password that stands in that field breaks a rule for passwords."""
    return Problem("weak_password", why, [FieldError(field, why)])


def too_many_attempts(wait_seconds: int) -> Problem:
    """Whoever asks has to wait that long first."""
    return Problem("too_many_attempts", headers={hdrs.RETRY_AFTER: str(wait_seconds)})


def problem_of_http_error(error: web.HTTPException) -> Problem:
    """The framework's own error (404, 405, 413 …) in our shape; what is not in the table becomes the nearest code."""
    match error.status:
        case HTTPStatus.NOT_FOUND:
            return Problem("not_found", "There is nothing at this path.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return Problem("method_not_allowed", headers={hdrs.ALLOW: error.headers.get(hdrs.ALLOW, "")})
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Problem("payload_too_large")
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return Problem("unsupported_media_type")
        case HTTPStatus.EXPECTATION_FAILED:
            return Problem("expectation_failed")
        case status if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Problem("malformed_request")
        case _:
            return Problem("internal")


def problem_listing(code: str) -> dict[str, Any]:
    """A code's line in the table, as it is published. Raises KeyError for a code that does not exist."""
    kind = PROBLEMS[code]
    return {
        "code": code,
        "status": int(kind.status),
        "error": kind.title,
        "explanation": kind.explanation,
        "type": f"/problems/{code}",
    }


def _asks_for_problem_json(accept: str) -> bool:
    if PROBLEM_JSON not in accept.lower():
        return False
    for media_range in accept.lower().split(","):
        name, *parameters = (part.strip() for part in media_range.split(";"))
        if name == PROBLEM_JSON:
            return not any(parameter in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters)
    return False
