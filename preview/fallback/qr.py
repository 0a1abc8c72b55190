"""A QR code for the plan on paper: it leads to the newest version."""

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel


def modules(text: str) -> list[list[bool]]:
    """Row by row from the top: which modules are black. Without its quiet zone of 4 modules."""
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    return [[bool(black) for black in row] for row in code.modules]
