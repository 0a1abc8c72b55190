"""In which protocol a source is asked: the one place that chooses between DIMSE and DICOMweb."""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from fetch.carrying import Opened
from fetch.model import Listed, Local, Source
from fetch.sources import dicomweb, dimse
from fetch.sources.matches import Matches


def echo(source: Source, local: Local) -> None:
    """Does it hear us, and may we ask it? Raises a :class:`FetchError` if not."""
    if _is_web(source):
        dicomweb.echo(source)
    else:
        dimse.echo(source, local)


def find(source: Source, local: Local, *questions: Dataset, within: float | None = None) -> list[Matches]:
    """The answers to each identifier, in their order, within so many seconds (None: what one find may take).

    Raises a :class:`FetchError` if the first fails; where a later one fails, what came before it is kept.
    """
    if _is_web(source):
        return dicomweb.find(source, *questions, within=within)
    return dimse.find(source, local, *questions, within=within)


def listing(
    source: Source, local: Local, study_uid: str, opened: Opened = lambda _abort: None
) -> Iterator[Listed]:
    """What the source lists in this study, as it names it; at last the plan.

    ``opened`` is given a function with which another thread ends it. Raises a :class:`FetchError`.
    """
    if _is_web(source):
        return dicomweb.listing(source, study_uid, opened)
    return dimse.listing(source, local, study_uid, opened)


def _is_web(source: Source) -> bool:
    return source.protocol == "dicomweb"
