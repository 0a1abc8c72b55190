"""The demo archive with what its tests look for."""

import pytest
from requestor import HELD

from preview.demo.archive import Archive


@pytest.fixture(scope="module")
def served():
    with Archive("MAIN", datasets=HELD).start() as archive:
        yield archive


@pytest.fixture
def archive(served):
    served.requests.clear()
    yield served
    served.behave_well()
