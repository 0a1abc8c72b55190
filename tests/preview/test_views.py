"""A card of a study with few series: every view of a radiograph is on it, in the order of the study page."""

import re

import pytest
from support.inspecting import text_of
from support.studies import study


@pytest.fixture
def shown(site, client, archive):
    """The card's pictures once such a study was fetched: where each leads, and what stands on it."""

    def fetched(**made) -> list[tuple[str, str]]:
        for ds in study(**made):
            archive.add(ds)
        path = client.opened(site)
        client.press(client.page(path), "Fetch")
        site.fetch_all()
        html = client.page(path)
        assert "Complete" in text_of(html)
        items = re.findall(r'<a id="poster-.*?</a>', html, re.DOTALL)
        return [(re.search(r'href="([^"]*)"', one)[1], text_of(one)) for one in items]

    return fetched


def test_both_views_of_a_chest_are_on_its_card(client, shown):
    pictures = shown(images=2, Modality="DX")
    assert [words for _, words in pictures] == ["1/2 Axial 1", "2/2 Axial 1"]
    (first, _), (second, _) = pictures
    assert ("instance=" in first) != ("instance=" in second), "one of them stands for the series"
    for place, (address, _) in enumerate(pictures, start=1):
        said = text_of(client.page(address.replace("&amp;", "&"))).casefold()
        assert f"image {place} of 2" in said


def test_a_card_has_six_pictures_at_most(shown):
    assert len(shown(images=4, series=2, Modality="MG")) == 6


@pytest.mark.parametrize(("images", "series"), [(7, 1), (2, 3), (1, 1)])
def test_a_longer_series_or_many_have_one_picture_each(shown, images, series):
    assert len(shown(images=images, series=series)) == series
