"""Whole series of phantoms as DICOM objects, the way the scanner of each modality would send them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from pydicom import Dataset

from preview.demo import radiographs, ultrasound
from preview.demo.fields import Field
from preview.demo.headers import SeriesHead, instance, placed, with_colour, with_grey, with_window
from preview.demo.phantoms import CT_SIZE, MR_SIZE, Weighting, ct_chest, mr_head

MR_WINDOWS = {Weighting.T1: (520, 1040), Weighting.T2: (560, 1120), Weighting.FLAIR: (420, 840)}
MR_TIMES = {Weighting.T1: (500, 12, None), Weighting.T2: (4200, 98, None), Weighting.FLAIR: (9000, 120, 2500)}


def ct_series(head: SeriesHead, slices: int, phase: int = 0) -> Iterator[Dataset]:
    """From the apex of the lungs to the liver; ``phase`` only changes the noise."""
    step = 300 / slices
    for i in range(slices):
        hu = ct_chest((i + 0.5) / slices, i + phase)
        ds = with_grey(instance(head, i + 1), np.clip(hu + 1024, 0, 4095))
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType, ds.KVP = -1024, 1, "HU", 120
        ds.AcquisitionNumber = 1
        placed(ds, (-180.0, -180.0, -i * step), 360 / CT_SIZE, round(step, 2))
        yield with_window(ds, [40, -500], [400, 1500])


def scouts(head: SeriesHead) -> Iterator[Dataset]:
    for number, draw in enumerate((radiographs.chest_pa, radiographs.chest_lateral), 1):
        shade = draw(CT_SIZE, 400, number)
        ds = with_grey(instance(head, number), np.clip(shade, 0, 4095))
        ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        ds.RescaleIntercept, ds.RescaleSlope, ds.KVP, ds.AcquisitionNumber = -1024, 1, 120, 1
        yield with_window(ds, 800, 3600)


def mr_series(
    head: SeriesHead, slices: int, weighting: Weighting, *, interleaved: bool = False
) -> Iterator[Dataset]:
    """From the base of the skull to its top; ``interleaved``: every other slice was taken first."""
    repetition, echo, inversion = MR_TIMES[weighting]
    for i in range(slices):
        signal = mr_head((i + 0.5) / slices, weighting, i + 40 * list(Weighting).index(weighting))
        number = i // 2 + (i % 2) * ((slices + 1) // 2) if interleaved else i
        ds = with_grey(instance(head, number + 1), signal)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "SE"]
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "SE", "SK", ""
        ds.MRAcquisitionType, ds.EchoTrainLength = "2D", 1
        ds.RepetitionTime, ds.EchoTime = repetition, echo
        if inversion:
            ds.InversionTime = inversion
        placed(ds, (-120.0, -120.0, i * 130 / slices), 240 / MR_SIZE, round(130 / slices, 2))
        yield with_window(ds, *MR_WINDOWS[weighting])


def cr_image(head: SeriesHead, number: int, shade: Field, view: str, side: str = "") -> Dataset:
    """Stored dark for bone, as plates come: MONOCHROME1."""
    ds = with_grey(instance(head, number), 4095 - shade, "MONOCHROME1")
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.ViewPosition, ds.KVP, ds.PlateID, ds.PatientOrientation = view, 125, "", ""
    ds.ImagerPixelSpacing = [0.3, 0.3]
    ds.Laterality = side
    return with_window(ds, 2100, 4000)


def chest_films(pa: SeriesHead, noise: int = 0) -> Iterator[Dataset]:
    """Each view is a series of its own, as plate readers send them; the lateral is the next number."""
    lateral = replace(pa, number=pa.number + 1, description="Chest lateral")
    yield cr_image(pa, 1, radiographs.chest_pa(1200, 1000, noise), "PA")
    yield cr_image(lateral, 1, radiographs.chest_lateral(1200, 1000, noise + 1), "LL")


def hand_film(head: SeriesHead) -> Iterator[Dataset]:
    yield cr_image(head, 1, radiographs.hand(1000, 800), "AP", "R")


def mammogram(head: SeriesHead) -> Iterator[Dataset]:
    ds = with_grey(instance(head, 1), radiographs.breast(1200, 900))
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PresentationIntentType, ds.ImageLaterality, ds.ViewPosition = "FOR PRESENTATION", "L", "CC"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", 1
    ds.PresentationLUTShape, ds.BurnedInAnnotation, ds.LossyImageCompression = "IDENTITY", "NO", "00"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.ImagerPixelSpacing, ds.PatientOrientation = [0.2, 0.2], ["A", "R"]
    ds.OrganExposed = "BREAST"
    yield with_window(ds, 1700, 3000)


def cine(head: SeriesHead) -> Iterator[Dataset]:
    ds = with_colour(instance(head, 1), ultrasound.cine(32), 47.6)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0011"]
    ds.LossyImageCompression = "00"
    yield ds
