"""Texts as pictures that a camera reads."""

from io import BytesIO
from typing import Final

import segno

_PIXELS_PER_MODULE: Final = 4


def qr_svg(text: str) -> str:
    """The text as a QR code: an SVG image with a light ground of its own, so that it can be read on dark pages too."""
    image = BytesIO()
    segno.make_qr(text, error="m").save(
        image,
        kind="svg",
        scale=_PIXELS_PER_MODULE,
        light="#fff",
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        nl=False,
    )
    return image.getvalue().decode("utf-8")
