"""Nothing that draws asks for the source of whoever uses it."""

from importlib.metadata import PackageNotFoundError, distribution

import pytest

DRAW = (
    *("imagecodecs", "numpy", "pillow", "pydicom", "pypdfium2"),
    *("pylibjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle"),
)


@pytest.mark.parametrize("name", DRAW)
def test_the_licence_is_a_free_one_that_asks_for_no_source(name):
    about = distribution(name).metadata
    classifiers = [one for one in about.get_all("Classifier", []) if one.startswith("License")]
    told = [about.get("License-Expression") or "", (about.get("License") or "")[:80], *classifiers]
    assert any(told)
    assert not any("GPL" in one or "General Public" in one for one in told)


def test_the_decoder_under_the_gpl_is_not_installed():
    with pytest.raises(PackageNotFoundError):
        distribution("pylibjpeg-libjpeg")
