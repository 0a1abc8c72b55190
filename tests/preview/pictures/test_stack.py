"""The contrast of many frames of one object: the same for all, where it names none."""

from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless, UltrasoundMultiFrameImageStorage
from samples import image, ramp, received

from preview.pictures.drawing import Drawers
from preview.pictures.pixels import Pixels
from preview.pictures.thumbnail import draw


def seen(drawing, place):
    return np.asarray(Image.open(BytesIO(drawing.pictures[place].png))).astype(int)


def film(frames=20):
    """A spot that becomes brighter from frame to frame, in a little noise; the first is nearly empty."""
    noise = np.random.default_rng(1).integers(0, 30, (frames, 64, 64))
    noise[:, 10:40, 10:40] += (np.arange(frames) * 50)[:, np.newaxis, np.newaxis]
    return noise.astype("<u2")


def test_what_is_as_bright_in_two_frames_looks_as_bright():
    drawing = draw(image(film()))
    spots = [seen(drawing, place)[100, 100] for place in range(20)]
    assert spots == sorted(spots)
    assert seen(drawing, 0).max() < 20, "an empty frame is dark, not full of noise"
    assert spots[-1] > 240
    assert len({seen(drawing, place)[250, 250] > 20 for place in range(20)}) == 1


def test_the_contrast_does_not_depend_on_how_many_frames_are_drawn():
    few, all_of_them = (draw(image(film(100)), max_frames=most) for most in (3, 100))
    assert few.window == all_of_them.window
    assert few.pictures[-1] == all_of_them.pictures[-1]


def test_a_frame_with_a_window_of_its_own_keeps_it():
    ds = image(film(2))
    ds.PerFrameFunctionalGroupsSequence = [Dataset(), Dataset()]
    voi = Dataset()
    voi.WindowCenter, voi.WindowWidth = 78.5, 2
    ds.PerFrameFunctionalGroupsSequence[1].FrameVOILUTSequence = [voi]
    drawing = draw(ds)
    assert seen(drawing, 0)[100, 100] not in (0, 255)
    assert drawing.window.endswith("(from the image)")
    assert seen(drawing, 1)[:30].max() == 0, "one shade above this, and none below"


def test_frames_that_are_scaled_differently_are_compared_as_what_they_mean():
    """The stored values are the same; the second frame's are ten times as much."""
    ds = image(np.stack([ramp(0, 100), ramp(0, 100)]), PerFrameFunctionalGroupsSequence=[])
    for slope in (1, 10):
        group, scaled = Dataset(), Dataset()
        scaled.RescaleSlope, scaled.RescaleIntercept = slope, 0
        group.PixelValueTransformationSequence = [scaled]
        ds.PerFrameFunctionalGroupsSequence.append(group)
    drawing = draw(ds)
    assert seen(drawing, 0).max() < 40
    assert seen(drawing, 1).max() == 255


def test_a_screen_is_not_stretched():
    ds = image(film().clip(0, 200).astype("u1"), SOPClassUID=UltrasoundMultiFrameImageStorage)
    assert draw(ds).window == "0–255 (from the image)"


@pytest.mark.parametrize("broken", [0, 3])
def test_a_frame_that_cannot_be_decoded_does_not_spoil_the_contrast(broken):
    frames = [imagecodecs.jpegls_encode(frame) for frame in film(4)]
    frames[broken] = frames[broken][:30]
    ds = image(film(4))
    ds.file_meta.TransferSyntaxUID, ds.PixelData = JPEGLSLossless, encapsulate(frames)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    drawing = draw(ds)
    assert drawing.reason == "1 of 4 frames could not be drawn."
    assert len(drawing.pictures) == 3


def test_frames_whose_window_shows_nothing_have_one_contrast():
    silent = draw(image(film()))
    assert draw(image(film(), WindowCenter=-9000, WindowWidth=10)) == silent


def test_nobody_looks_for_a_contrast_that_is_told(monkeypatch):
    looked_at = []
    decode = Pixels.decode
    monkeypatch.setattr(Pixels, "decode", lambda *what: looked_at.append(what) or decode(*what))
    draw(image(film(), WindowCenter=500, WindowWidth=1000))
    assert len(looked_at) == 20


def test_frames_that_somebody_named_are_drawn_beside_those_that_are_spread():
    drawing = draw(image(film(100)), max_frames=3, named=(42, 100, 7, 101, 0))
    assert [picture.frame for picture in drawing.pictures] == [1, 7, 42, 51, 100]
    assert drawing.reason == "5 of 100 frames are shown."
    few = draw(image(film(100)), max_frames=3, named=range(10, 90))
    assert len(few.pictures) == 6, "no more than as many again"


def test_named_frames_are_drawn_behind_the_seam():
    ds = image(film(100), SOPInstanceUID="1.2.3")
    with Drawers(1, max_frames=3) as drawers:
        drawn = drawers.submit(received(ds), named=(42,)).result().drawing
    assert [picture.frame for picture in drawn.pictures] == [1, 42, 51, 100]
