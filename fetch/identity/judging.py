"""The judge: the grade that two identities deserve, with every reason for it."""

from fetch.identity.comparing import Pair
from fetch.identity.context import Context
from fetch.identity.dates import Births
from fetch.identity.doubting import doubts, overlooked
from fetch.identity.grades import Agreement, Grade, Judgement
from fetch.identity.roads import conflicts, road
from fetch.identity.scoring import score
from fetch.model import Patient


def judge(asked: Patient, found: Patient, context: Context) -> Judgement:
    """Is whom a source describes (``found``) provably our patient (``asked``)? Pure; it never fails.

    ``certain`` is reached on four roads (:mod:`fetch.identity.roads`), by name and birth date alone on none:

    - the same id from an issuer that is trusted at this source, and name and birth date agree;
    - staff confirmed the identity found, and each field still agrees, or is as they saw it;
    - the accession number that the launch brought is the study's, and name and birth date agree;
    - a cross-reference manager says that the id found is the patient's, and nothing contradicts.

    A conflict (sex, suffix, placeholder, implausible birth date, …), or another patient of ours who fits as
    well, makes it ``probable`` at best. ``certainly-not`` is only said where two of family name, given name
    and birth date clearly differ, and no number is shared.
    """
    pair = Pair(asked, found, context)
    by = road(pair)
    if by is not None:
        return Judgement(Grade.CERTAIN, (*pair.compared, by, *overlooked(pair)), score(pair))
    return Judgement(_grade(pair), (*pair.compared, *overlooked(pair), *doubts(pair)), score(pair))


def _grade(pair: Pair) -> Grade:
    """Of what is not certain."""
    differ = pair.person.count(Agreement.DIFFER)
    speak_for = pair.person.count(Agreement.AGREE) + pair.person.count(Agreement.SIMILAR)
    agree = not differ and not conflicts(pair)
    if _share_a_number(pair):
        return Grade.PROBABLE if agree and speak_for >= 2 else Grade.POSSIBLE
    if agree and speak_for == 3 and pair.births is Births.SAME:
        return Grade.POSSIBLE if _two_ids_of_one_issuer(pair) else Grade.PROBABLE
    generations = pair.suffix is Agreement.DIFFER and pair.birth_date is Agreement.DIFFER
    clearly = differ - pair.names.crossing >= 2
    return Grade.CERTAINLY_NOT if clearly or generations else Grade.POSSIBLE


def _share_a_number(pair: Pair) -> bool:
    """The same one, or nearly. Then it is never said that they are certainly two, however little fits."""
    same_id = pair.id in (Agreement.AGREE, Agreement.SIMILAR) and pair.issuer is not Agreement.DIFFER
    return same_id or pair.other_id or pair.accession is Agreement.AGREE or pair.context.link is not None


def _two_ids_of_one_issuer(pair: Pair) -> bool:
    return pair.id is Agreement.DIFFER and pair.issuer is Agreement.AGREE and not pair.other_id
