"""What to call an object a reader has in front of them, by its SOP class and its transfer syntax."""

from pydicom import uid

_STORAGE = "1.2.840.10008.5.1.4.1.1."

_UNKNOWN = "Unknown kind of object"

_NOT_IMAGES = {
    "4.2": "MR spectroscopy",
    "9.1": "Waveform (ECG)",
    "9.2": "Waveform (hemodynamics)",
    "9.3": "Waveform (electrophysiology)",
    "9.4": "Audio recording",
    "9.5": "Waveform (arterial pulse)",
    "9.6": "Waveform (respiration)",
    "9.7.1": "Waveform (EEG)",
    "9.7.2": "Waveform (EMG)",
    "9.7.3": "Waveform (eye movements)",
    "9.7.4": "Waveform (EEG, asleep)",
    "9.8": "Waveform (body position)",
    "9.100": "Presentation state of a waveform",
    "9": "Waveform",
    "11": "Presentation state",
    "66.4": "Segmentation",
    "66.5": "Surface segmentation",
    "66.1": "Spatial registration",
    "66.2": "Spatial fiducials",
    "66.3": "Spatial registration",
    "66.6": "Tractography results",
    "66.7": "Label map segmentation",
    "66.8": "Height map segmentation",
    "66": "Raw data",
    "67": "Real world value mapping",
    "88.40": "Procedure log",
    "88.50": "Mammography CAD report",
    "88.59": "Key object selection",
    "88.65": "Chest CAD report",
    "88.67": "Radiation dose report",
    "88.68": "Radiation dose report",
    "88.69": "Colon CAD report",
    "88.70": "Implantation plan",
    "88.73": "Radiation dose report",
    "88.76": "Radiation dose report",
    "88": "Structured report",
    "104.1": "PDF document",
    "104.2": "Clinical document (CDA)",
    "104": "3D model",
    "481.3": "Radiotherapy structure set",
    "481.5": "Radiotherapy plan",
    "481.8": "Radiotherapy plan",
    "481.4": "Radiotherapy treatment record",
    "481.6": "Radiotherapy treatment record",
    "481.7": "Radiotherapy treatment record",
    "481.9": "Radiotherapy treatment record",
}
"""By the part of the SOP class behind the common root; the longest beginning that fits decides."""
_ALONE = "66"
"""What stands below it has nothing to do with it."""
_IMAGES = ("6.2", "30", "81.1", "82.1", "481.2", "501.4", "501.5", "501.6")
"""By the same part: images that are not called so, such as volumes, maps and doses."""

_DIRECTORY = "1.2.840.10008.1.3.10"

_SYNTAXES = {
    uid.JPEGExtended12Bit: "JPEG with 12 bits",
    uid.JPEGLossless: "JPEG lossless",
    uid.JPEGLosslessSV1: "JPEG lossless",
    uid.JPEGLSLossless: "JPEG-LS",
    uid.JPEGLSNearLossless: "JPEG-LS",
    uid.HTJ2KLossless: "High-throughput JPEG 2000",
    uid.HTJ2KLosslessRPCL: "High-throughput JPEG 2000",
    uid.HTJ2K: "High-throughput JPEG 2000",
    uid.JPEG2000MCLossless: "JPEG 2000, multi-component",
    uid.JPEG2000MC: "JPEG 2000, multi-component",
    uid.JPEG2000Lossless: "JPEG 2000",
    uid.JPEG2000: "JPEG 2000",
    uid.JPEGBaseline8Bit: "JPEG",
    uid.RLELossless: "RLE",
    uid.UID("1.2.840.10008.1.2.1.98"): "Uncompressed frames",
    uid.UID("1.2.840.10008.1.2.4.53"): "JPEG",
    uid.UID("1.2.840.10008.1.2.4.55"): "JPEG",
}

_VIDEOS = {
    **dict.fromkeys(("100", "101"), "MPEG-2 video"),
    **dict.fromkeys(("102", "103", "104", "105", "106"), "MPEG-4 video"),
    **dict.fromkeys(("107", "108"), "HEVC video"),
}
"""By the arc behind ``1.2.840.10008.1.2.4`` (PS3.5 A.4.5 to A.4.9); one more arc: in several fragments."""


def not_an_image(sop_class: str) -> str | None:
    """What this kind of object is if it is none that has pictures: drawing its pixels would mislead."""
    if sop_class == _DIRECTORY:
        return "Table of contents (DICOMDIR)"
    if not sop_class.startswith(_STORAGE):
        return None
    arcs = sop_class.removeprefix(_STORAGE).split(".")
    beginnings = (".".join(arcs[:length]) for length in range(len(arcs), 0, -1))
    found = next((b for b in beginnings if b in _NOT_IMAGES), None)
    if found is None:
        return None
    is_another = found == _ALONE and len(arcs) > 1
    return (_standard_name(sop_class) or _UNKNOWN) if is_another else _NOT_IMAGES[found]


def kind_name(sop_class: str) -> str:
    """``CT image``, ``Structured report``; never text out of the object itself."""
    return not_an_image(sop_class) or _standard_name(sop_class) or _UNKNOWN


def says_image(sop_class: str) -> bool:
    """Is it one that should have pixels?"""
    return sop_class.removeprefix(_STORAGE) in _IMAGES or "image" in _standard_name(sop_class).lower()


def syntax_name(transfer_syntax: str) -> str:
    """``JPEG lossless``: how the pixels are compressed, as one would say it."""
    names = (_SYNTAXES.get(uid.UID(transfer_syntax)), _video(transfer_syntax), _known_name(transfer_syntax))
    return next((name for name in names if name), "An unknown compression")


def is_video(transfer_syntax: str) -> bool:
    return bool(_video(transfer_syntax))


def _video(transfer_syntax: str) -> str:
    if transfer_syntax.startswith("1.2.840.10008.1.2.7."):
        return "Live video"  # PS3.22, of SMPTE ST 2110
    arcs = transfer_syntax.removeprefix("1.2.840.10008.1.2.4.").split(".")
    return _VIDEOS.get(arcs[0], "") if len(arcs) <= 2 else ""


def _standard_name(sop_class: str) -> str:
    words = _known_name(sop_class).replace(" Storage", "").split()
    return " ".join(words[:1] + [word if _is_acronym(word) else word.lower() for word in words[1:]])


def _is_acronym(word: str) -> bool:
    return word.isupper() or word.startswith("X-") or any(letter.isdigit() for letter in word)


def _known_name(text: str) -> str:
    name = uid.UID(text).name
    return "" if name == text else name
