"""The first page of a document that an object encapsulates (PS3.3 C.24.2)."""

import pypdfium2
from PIL import Image
from pydicom import Dataset

from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.pixels import TOO_MUCH_MEMORY, CannotDrawError

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"

_BEGINNING = 1024
"""Bytes in which a PDF says that it is one; some write something before that."""


def first_page(ds: Dataset, longest: int) -> tuple[Image.Image, int]:
    """The page with so many pixels on its longest side, and how many pages there are.

    Raises CannotDrawError. The size of the picture is fixed before anything is drawn: what size a page
    claims only changes the scale. Nothing in the document is run, forms are not even opened.
    """
    document = ds.get("EncapsulatedDocument")
    if not isinstance(document, bytes) or not document:
        raise CannotDrawError("The document is missing, or too long for a preview.")
    if b"%PDF" not in document[:_BEGINNING]:
        raise CannotDrawError("The document is not a PDF.")
    try:
        return _drawn(document, longest)
    except MemoryError:
        raise CannotDrawError(TOO_MUCH_MEMORY) from None
    except BAD_INPUT:  # PDFium's own error is a RuntimeError
        raise CannotDrawError("The document cannot be read: it is damaged or encrypted.") from None


def _drawn(document: bytes, longest: int) -> tuple[Image.Image, int]:
    with pypdfium2.PdfDocument(document) as pdf:
        page = pdf[0]
        scale = longest / max(page.get_size())
        bitmap = page.render(scale=scale, may_draw_forms=False)
        return bitmap.to_pil().convert("RGB"), len(pdf)
