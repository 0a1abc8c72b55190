"""Which part of the body a study is about, from the words of its description."""

import pytest

from preview.page.anatomy import parts_of_body


@pytest.mark.parametrize(
    ("description", "parts"),
    [
        ("CT chest with contrast", {"chest"}),
        ("CT Thorax/Abdomen/Becken", {"chest", "abdomen", "pelvis"}),
        ("CT CAP", {"chest", "abdomen", "pelvis"}),
        ("Thoracic spine, 2 views", {"spine"}),
        ("C-spine", {"spine"}),
        ("BWS in 2 Ebenen", {"spine"}),
        ("Brustwirbelsäule", {"spine"}),
        ("Thoracic aorta", {"chest"}),
        ("MRT Schädel", {"head"}),
        ("MR HEAD", {"head"}),
        ("Röntgen Fuß rechts", {"foot"}),
        ("MR left knee", {"knee"}),
        ("Handgelenk", {"hand"}),
        ("Mammography", {"breast"}),
        ("Coronary CT", {"heart"}),
        ("Angiography", set()),
        ("Chip test", set()),
        ("", set()),
    ],
)
def test_a_description_names_parts_of_the_body(description, parts):
    assert parts_of_body(description) == parts
