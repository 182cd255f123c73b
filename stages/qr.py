"""The QR of a stage: always the same picture for the same address."""

import io

import qrcode
from qrcode.image.pure import PyPNGImage
from qrcode.image.svg import SvgPathImage


def qr_svg(address: str) -> bytes:
    """SVG, black modules on nothing, scalable to any poster."""
    return _draw(address, SvgPathImage)


def qr_png(address: str) -> bytes:
    """PNG, black on white."""
    return _draw(address, PyPNGImage)


def _draw(address: str, factory: type) -> bytes:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, box_size=16)
    code.add_data(address)
    code.make(fit=True)
    out = io.BytesIO()
    code.make_image(image_factory=factory).save(out)
    return out.getvalue()
