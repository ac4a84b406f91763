"""A client of the API with nothing but the standard library: what a newcomer's first script would be."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

ANSWER_SECONDS_MAX = 15.0
_POLL_SECONDS = 0.1

# The service is on this machine, whatever proxy the environment names.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers and the JSON document, if there was one."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Client:
    """One person, or nobody yet: with a token every request carries it."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._token = token

    def get(self, path: str) -> Answer:
        """GET. Raises OSError or HTTPException when no answer came."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """POST a JSON document. Raises OSError or HTTPException when no answer came."""
        return self._ask("POST", path, json.dumps(body).encode(), headers or {})

    def wait_until_ready(self, seconds_max: float) -> float:
        """Ask /readyz until it says yes; the seconds that took. Fails after `seconds_max`."""
        start = time.monotonic()
        last = "nothing"
        while (waited := time.monotonic() - start) < seconds_max:
            try:
                answer = self.get("/readyz")
            except (OSError, HTTPException) as error:
                last = repr(error)
            else:
                if answer.status == 200:
                    return waited
                last = f"{answer.status} {answer.body}"
            time.sleep(_POLL_SECONDS)
        raise AssertionError(f"not ready after {seconds_max:g} s; last heard: {last}")

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = urllib.request.Request(self._address + path, data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with _opener.open(request, timeout=ANSWER_SECONDS_MAX) as response:
                return Answer(status=response.status, headers=response.headers, body=_document(response.read()))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(status=refused.code, headers=refused.headers, body=_document(refused.read()))


def _document(content: bytes) -> Any:
    return json.loads(content) if content else None
