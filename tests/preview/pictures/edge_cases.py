"""Images at the edges of what the standard allows, made here: (name, data set) pairs for the corpus."""

from collections.abc import Iterator

import numpy as np
from made import colour_image, colours, encoded, shades
from pydicom import Dataset, uid
from samples import image

from preview.pictures.kinds import kind_name

CHANNELS = ("Red", "Green", "Blue")


def edge_cases() -> Iterator[tuple[str, Dataset]]:
    for cases in (
        depths,
        windows,
        tables,
        padded,
        shapes,
        graphics,
        frames,
        colour,
        palettes,
        unwindowed,
        none,
    ):
        for name, ds in cases():
            yield f"{cases.__name__}/{name}", ds


def windowed(bits=12, dtype="<u2", shape=(90, 70), **more):
    values = shades(bits, dtype, shape)
    middle = 0 if values.dtype.kind == "i" else 2 ** (bits - 1)
    facts = {
        "WindowCenter": middle,
        "WindowWidth": int(0.7 * 2**bits),
        "BitsStored": bits,
        "HighBit": bits - 1,
    }
    return image(values, **facts | more)


def having(**facts):
    ds = Dataset()
    for keyword, value in facts.items():
        setattr(ds, keyword, value)
    return ds


def depths():
    for bits, word in ((8, 1), (8, 2), (10, 2), (12, 2), (14, 2), (16, 2)):
        for kind, sign in (("u", "unsigned"), ("i", "signed")):
            dtype = f"{'<' if word > 1 else ''}{kind}{word}"
            for photometric in ("MONOCHROME1", "MONOCHROME2"):
                ds = windowed(bits, dtype, PhotometricInterpretation=photometric)
                yield f"{bits}-in-{8 * word}-{sign}-{photometric[-1]}", ds
    for bits, high, dtype in ((12, 15, "<u2"), (10, 12, "<u2"), (12, 14, "<i2"), (6, 7, "u1")):
        ds = windowed(bits, dtype, HighBit=high)
        moved = shades(bits, dtype).astype("i4") << (high - bits + 1)
        ds.PixelData = moved.astype(dtype).tobytes()
        yield f"{bits}-up-to-bit-{high}-{dtype[-2:]}", ds
    soiled = windowed()
    soiled.PixelData = (shades(12, "<u2") | 0xF000).tobytes()
    yield "bits-above-the-values", soiled
    for bits in (20, 32):
        window = {"WindowCenter": 2.0 ** (bits - 1), "WindowWidth": 0.7 * 2.0**bits}
        yield f"{bits}-in-32", image(shades(bits, "<u4"), BitsStored=bits, HighBit=bits - 1, **window)


def windows():
    yield "first-of-several", windowed(WindowCenter=[1500, 3000], WindowWidth=[1000, 100])
    for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        yield f"function-{function}", windowed(VOILUTFunction=function)
        yield f"function-{function}-narrow", windowed(VOILUTFunction=function, WindowWidth=200)
    for width in (1, 2, 3.5, 20000):
        yield f"width-{width}", windowed(WindowWidth=width)
    yield "centre-below-everything", windowed(WindowCenter=-500, WindowWidth=4000)
    yield "fraction", windowed(WindowCenter=2047.5, WindowWidth=1000.25)
    for slope, intercept in ((1, -1024), (2, -1024), (0.5, 100), (-1, 4095)):
        centre = 2048 * slope + intercept
        yield (
            f"rescale-{slope}-{intercept}",
            windowed(
                RescaleSlope=slope,
                RescaleIntercept=intercept,
                WindowCenter=centre,
                WindowWidth=2000 * abs(slope),
            ),
        )
    for meaning in ("MONOCHROME1", "MONOCHROME2"):
        for shape in ("IDENTITY", "INVERSE"):
            facts = {"PhotometricInterpretation": meaning, "PresentationLUTShape": shape}
            yield f"{shape.lower()}-presentation-{meaning[-1]}", windowed(**facts)


def tables():
    curve = (255 * np.sqrt(np.arange(4096) / 4095)).astype("<u2")
    for bits in (8, 12, 16):
        yield (
            f"voi-{bits}",
            _without_window(windowed(VOILUTSequence=[_table(curve * ((2**bits - 1) // 255), bits)])),
        )
    signed = windowed(12, "<i2", VOILUTSequence=[_table(curve, 8, first=-2048)])
    yield "voi-from-a-negative-value", _without_window(signed)
    yield "voi-and-window", windowed(VOILUTSequence=[_table(curve, 8)])
    for first in (0, 500):
        table = _table(curve[first:] * 16, 16, first)
        table.ModalityLUTType = "US"
        yield f"modality-from-{first}", windowed(ModalityLUTSequence=[table])


def _table(entries, bits, first=0):
    table = having(LUTDescriptor=[len(entries), first, bits])
    table.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return table


def _without_window(ds):
    del ds.WindowCenter, ds.WindowWidth
    return ds


def padded():
    values = np.maximum(shades(12, "<i2"), -1800)  # no pixel of the image itself is padding
    values[:, :20] = -2000
    facts = {"PixelPaddingValue": -2000, "BitsStored": 16, "HighBit": 15}
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        ds = windowed(12, "<i2", PhotometricInterpretation=photometric, **facts)
        ds.PixelData = values.tobytes()
        yield f"value-{photometric[-1]}", ds
    ranged = windowed(12, "<i2", **facts | {"PixelPaddingRangeLimit": -1900})
    ranged.PixelData = values.tobytes()
    yield "range", ranged
    above = shades(12, "<u2")
    above[:, :20] = 2**16 - 2000
    ds = windowed(12, PixelPaddingValue=2**16 - 2000)
    ds.PixelData = above.tobytes()
    yield "above-the-bits-stored", ds
    silent = _without_window(windowed(12, "<i2", **facts))
    silent.PixelData = values.tobytes()
    yield "without-a-window", silent


def shapes():
    for rows, columns in ((1, 64), (64, 1), (1, 1), (3, 5), (17, 33), (255, 3), (101, 97), (300, 250)):
        yield f"{rows}x{columns}", windowed(shape=(rows, columns))
        yield f"{rows}x{columns}-8", windowed(8, "u1", (rows, columns))
    for facts in (
        {"PixelAspectRatio": [2, 1]},
        {"PixelAspectRatio": [1, 2]},
        {"PixelSpacing": [0.5, 0.25]},
        {"PixelSpacing": [0.3, 0.9]},
        {"ImagerPixelSpacing": [0.2, 0.1]},
    ):
        (keyword, (down, across)), *_ = facts.items()
        yield f"{keyword}-{down}-{across}", windowed(**facts)


def graphics():
    """An L in the corner, which shows at once if anything is turned or mirrored."""
    mark = np.zeros((90, 70), bool)
    mark[10:40, 8:14], mark[34:40, 8:30] = True, True
    for group in (0x6000, 0x6002):
        ds = windowed()
        _describe(ds, group, mark.shape)
        ds.add_new((group, 0x0100), "US", 1)
        ds.add_new((group, 0x0102), "US", 0)
        ds.add_new((group, 0x3000), "OW", np.packbits(mark, bitorder="little", axis=None).tobytes() + b"\0")
        yield f"beside-{group:04x}", ds
    for high, position in ((11, 12), (15, 0)):
        ds = windowed(HighBit=high)
        ds.PixelData = (shades(12, "<u2") << (high - 11) | mark.astype("<u2") << position).tobytes()
        _describe(ds, 0x6000, mark.shape)
        ds.add_new((0x6000, 0x0100), "US", 16)
        ds.add_new((0x6000, 0x0102), "US", position)
        yield f"in-bit-{position}", ds


def _describe(ds, group, shape):
    for element, vr, value in ((0x0010, "US", shape[0]), (0x0011, "US", shape[1]), (0x0040, "CS", "G")):
        ds.add_new((group, element), vr, value)
    ds.add_new((group, 0x0050), "SS", [1, 1])


def frames():
    stack = np.stack([shades(12, "<u2") // (number + 1) for number in range(4)])
    facts = {"BitsStored": 12, "HighBit": 11}
    yield "one-window", image(stack, WindowCenter=2048, WindowWidth=3000, **facts)
    yield "no-window", image(stack, **facts)
    each = image(stack, **facts, PerFrameFunctionalGroupsSequence=[])
    for number in range(4):
        voi = having(WindowCenter=2048 / (number + 1), WindowWidth=3000 / (number + 1))
        each.PerFrameFunctionalGroupsSequence.append(having(FrameVOILUTSequence=[voi]))
    yield "a-window-each", each
    shared = image(stack, **facts)
    voi = having(WindowCenter=1000, WindowWidth=1500)
    shared.SharedFunctionalGroupsSequence = [having(FrameVOILUTSequence=[voi])]
    yield "shared-window", shared
    yield "of-odd-length", image(np.stack([shades(8, "u1", (15, 13))] * 3), WindowCenter=128, WindowWidth=256)


def colour():
    planes = colours().transpose(2, 0, 1)
    for meaning in ("RGB", "YBR_FULL"):
        yield f"{meaning}-pixels", colour_image(PhotometricInterpretation=meaning)
        ds = colour_image(PhotometricInterpretation=meaning, PlanarConfiguration=1)
        ds.PixelData = planes.tobytes()
        yield f"{meaning}-planes", ds
    for meaning in ("YBR_FULL_422", "YBR_PARTIAL_422"):
        ds = colour_image(PhotometricInterpretation=meaning)
        ds.PixelData = halved(_video(colours()) if "PARTIAL" in meaning else colours())
        yield meaning, ds
    yield "16-bits", colour_image(colours("<u2"))
    yield "10-bits-in-16", colour_image(colours("<u2") >> 6, BitsStored=10, HighBit=9)
    yield "odd", colour_image(np.ascontiguousarray(colours()[:63, :41]))
    yield "one-pixel", colour_image(np.ascontiguousarray(colours()[:1, :1]))
    yield "oblong", colour_image(PixelAspectRatio=[1, 2])


def _video(samples):
    return (16 + samples.astype("u4") * 219 // 255).astype("u1")


def halved(samples):
    """Y1 Y2 Cb Cr of every two pixels (PS3.3 C.7.6.3.1.2)."""
    first, second = samples[:, ::2], samples[:, 1::2]
    both = [first[..., 0], second[..., 0], first[..., 1], first[..., 2]]
    return np.ascontiguousarray(np.stack(both, -1)).tobytes()


def palettes():
    ramp = np.arange(256)
    curves = (ramp, 255 - ramp, (ramp * 2) % 256)
    for bits, dtype in ((8, "u1"), (16, "<u2")):
        ds = _without_window(windowed(8, "u1", PhotometricInterpretation="PALETTE COLOR"))
        for channel, curve in zip(CHANNELS, curves, strict=True):
            entries = curve if bits == 8 else curve * 257
            ds.add_new(f"{channel}PaletteColorLookupTableDescriptor", "US", [256, 0, bits])
            ds.add_new(f"{channel}PaletteColorLookupTableData", "OW", entries.astype(dtype).tobytes())
        yield f"{bits}", ds
    ds = _without_window(windowed(8, "u1", PhotometricInterpretation="PALETTE COLOR"))
    for channel, end in zip(CHANNELS, (0xFFFF, 0x8000, 0x2000), strict=True):
        words = np.array([0, 1, 0, 1, 127, end, 1, 128, 0], "<u2").tobytes()
        ds.add_new(f"{channel}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        ds.add_new(f"Segmented{channel}PaletteColorLookupTableData", "OW", words)
    yield "segmented", ds


def unwindowed():
    """What contrast they have is found in the image."""
    plain = {"BitsStored": 12, "HighBit": 11}
    air = shades(12, "<i2") // 8
    air[:30] = -1000
    yield "ct", image(air, Modality="CT", BitsStored=12, HighBit=11)
    yield "mr", image(shades(12, "<u2") // 5, Modality="MR", SOPClassUID=uid.MRImageStorage, **plain)
    yield "us", image(shades(8, "u1") // 2, Modality="US", SOPClassUID=uid.UltrasoundImageStorage)
    spots = (shades(12, "<u2").astype("f8") ** 4 / 2**36).astype("<u2")
    yield "pet", image(spots, Modality="PT", SOPClassUID=uid.PositronEmissionTomographyImageStorage)
    yield "nm", image(spots, Modality="NM", SOPClassUID=uid.NuclearMedicineImageStorage)
    yield "dose", image(spots, Modality="RTDOSE", SOPClassUID=uid.RTDoseStorage)
    yield (
        "cr-inverted",
        image(shades(12, "<u2"), Modality="CR", PhotometricInterpretation="MONOCHROME1", **plain),
    )
    for keyword, dtype in (("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")):
        ds = image(shades(16, "<u2"), BitsAllocated=8 * np.dtype(dtype).itemsize)
        del ds.PixelData, ds.PixelRepresentation, ds.BitsStored, ds.HighBit
        setattr(ds, keyword, (shades(16, "<u2") / 1000).astype(dtype).tobytes())
        yield keyword, ds
    bits = shades(8, "u1") > 128
    one = image(bits.astype("u1"), BitsAllocated=1, BitsStored=1, HighBit=0, Modality="OT")
    one.PixelData = np.packbits(bits, axis=None, bitorder="little").tobytes() + b"\0"
    yield "one-bit", one
    yield "flat", image(np.full((40, 40), 700, "<u2"), **plain)


def none():
    """Objects of which there is no picture, and images that say something untrue."""
    for sop_class in (
        *(uid.GrayscaleSoftcopyPresentationStateStorage, uid.KeyObjectSelectionDocumentStorage),
        *(uid.BasicTextSRStorage, uid.SegmentationStorage, uid.RTStructureSetStorage),
        *(uid.SpatialRegistrationStorage, uid.RawDataStorage, uid.UID("1.2.3.4")),
    ):
        yield kind_name(sop_class).lower().replace(" ", "-"), having(SOPClassUID=sop_class, file_meta=_meta())
    for syntax in (uid.MPEG2MPML, uid.MPEG4HP41, uid.HEVCMP51, uid.UID("1.2.840.10008.1.2.4.66")):
        yield f"syntax-{syntax.rsplit('.', 1)[1]}", encoded(windowed(8, "u1"), syntax, b"\0" * 64)
    yield "no-pixels", windowed(PixelData=b"")
    yield "half-of-the-pixels", windowed(PixelData=bytes(6000))
    yield "no-size", windowed(Rows=0)
    yield "enormous", windowed(Rows=60000, Columns=60000)
    yield "enormous-in-runs", encoded(windowed(Rows=60000, Columns=60000), uid.RLELossless, bytes(64))


def _meta():
    return windowed().file_meta
