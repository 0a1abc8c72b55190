"""Links to the external viewer."""

import pytest

from preview.viewer.links import compare_link, image_link, is_uid, study_link

BASE = "https://viewer.example/ohif/viewer"


def test_the_link_names_the_study_and_nothing_else():
    assert study_link(BASE, "", "1.2.840.1") == f"{BASE}?StudyInstanceUIDs=1.2.840.1"


def test_the_data_source_stands_in_the_path():
    assert study_link(BASE, "site-b", "1.2.840.1") == f"{BASE}/site-b?StudyInstanceUIDs=1.2.840.1"


def test_an_image_is_named_with_its_series():
    assert image_link(BASE, "", "1.2", "1.3", "1.4") == (
        f"{BASE}?StudyInstanceUIDs=1.2&initialSeriesInstanceUID=1.3&initialSopInstanceUID=1.4"
    )


def test_two_studies_are_compared_current_first_and_with_a_series():
    assert compare_link(BASE, "b", "1.2", "1.9", "1.3") == (
        f"{BASE}/b?StudyInstanceUIDs=1.2,1.9&initialSeriesInstanceUID=1.3&hangingProtocolId=@ohif/hpCompare"
    )


def test_without_a_known_series_the_protocol_alone_says_which_is_the_current_one():
    assert compare_link(BASE, "", "1.2", "1.9", "") == (
        f"{BASE}?StudyInstanceUIDs=1.2,1.9&hangingProtocolId=@ohif/hpCompare"
    )


@pytest.mark.parametrize("uid", ["1.2", "0.1", "2.25." + "9" * 59])
def test_a_uid_has_digits_and_dots(uid):
    assert is_uid(uid)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.",
        ".1",
        "1..2",
        "1.02",
        "1.2 ",
        "1.2\n",
        "1.2&url=https://evil.example",
        "1.2/../..",
        "1.２",
        "2.25." + "9" * 60,
        "javascript:alert(1)",
    ],
)
def test_a_received_text_never_shapes_a_link(text):
    assert study_link(BASE, "", text) is None
    assert image_link(BASE, "", "1.2", text, "1.4") is None
    assert image_link(BASE, "", "1.2", "1.3", text) is None
    assert compare_link(BASE, "", "1.2", text, "1.3") is None
    assert not text or compare_link(BASE, "", "1.2", "1.9", text) is None
