"""The link to the external viewer."""

import pytest

from preview.viewer import is_uid, viewer_link

BASE = "https://viewer.example/ohif/viewer"


def test_the_link_names_the_study_and_nothing_else():
    assert viewer_link(BASE, "1.2.840.1") == f"{BASE}?StudyInstanceUIDs=1.2.840.1"


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
    assert viewer_link(BASE, text) is None
