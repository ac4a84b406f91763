"""What every answer tells browsers not to do, errors and what the framework answers by itself included."""

from typing import Final

from aiohttp import hdrs, web
from multidict import istr

CONTENT_SECURITY_POLICY: Final = istr("Content-Security-Policy")
NOTHING_BUT_DATA: Final = "default-src 'none'; frame-ancestors 'none'"
"""The policy of an answer that is no page."""
CLEAR_SITE_DATA: Final = {"Clear-Site-Data": '"cache", "storage"'}
"""For whoever logs out: what a browser has kept is not for the next one at it. The proof that the device is known
stays."""

_ALWAYS: Final = {
    istr("X-Content-Type-Options"): "nosniff",
    istr("Referrer-Policy"): "no-referrer",
    istr("Cross-Origin-Opener-Policy"): "same-origin",
}
_HTTPS_ALONE: Final = {istr("Strict-Transport-Security"): "max-age=31536000; includeSubDomains"}


class SecurityHeaders:
    """The headers, made once."""

    __slots__ = ("_always",)

    def __init__(self, *, https: bool = False) -> None:
        """`https` says that people reach the service by TLS: then browsers shall never try without."""
        self._always = _ALWAYS | _HTTPS_ALONE if https else _ALWAYS

    def add(self, response: web.StreamResponse) -> None:
        """Give them to an answer. Its own Content-Security-Policy and Cache-Control stay, where it has any."""
        headers = response.headers
        headers.update(self._always)
        headers.setdefault(CONTENT_SECURITY_POLICY, NOTHING_BUT_DATA)
        headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
        # Which server this is, and of which version, is nobody's business.
        headers.pop(hdrs.SERVER, None)


SECURITY_HEADERS: Final = web.AppKey("security_headers", SecurityHeaders)
