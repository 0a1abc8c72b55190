"""A patient with very many studies: fifty at first, and the rest by links."""

import re

import pytest
from support.inspecting import text_of
from support.studies import study


@pytest.fixture
def path(client, archive, site):
    for number in range(120):
        for ds in study(images=1, Modality="MR" if number < 60 else "CT"):
            archive.add(ds)
    return client.opened(site)


def test_fifty_are_shown_and_links_show_the_rest(client, path):
    html = client.page(path)
    seen = []
    for shown, more in ((50, "70 older studies are not shown yet"), (100, "20 older studies"), (120, "")):
        assert html.count("<article") == shown
        assert (more or "120 studies") in text_of(html)
        seen.append(re.findall(r'<article class="card" id="([^"]*)"', html))
        link = re.search(r'id="more" href="([^"#]*)#([^"]*)"', html)
        assert bool(link) == bool(more)
        if link:
            assert link[2] == seen[-1][-1]
            html = client.page(link[1].replace("&amp;", "&"))
    assert seen[0] == seen[2][:50]
    assert seen[1] == seen[2][:100]


def test_a_filter_counts_its_own(client, path):
    html = client.page(f"{path}?modality=MR")
    assert html.count("<article") == 50
    assert "10 older studies are not shown yet" in text_of(html)
    assert "50 of 120 studies shown" in text_of(html)


@pytest.mark.parametrize("shown", ["0", "-7", "x", "9" * 40])
def test_any_number_in_the_address_is_a_page(client, path, shown):
    assert client.page(f"{path}?shown={shown}").count("<article") in (50, 120)
