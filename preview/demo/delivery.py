"""The vocabulary in which an archive is told to misbehave: what it sends, and what it says of that."""

from preview.demo.traits import EVERY, Behaviour, Kind, Pixels, Stranger


def claims_success_but_sends_nothing() -> Behaviour:
    """0x0000 with zero sub-operations, as overloaded archives do; C-FIND stays truthful."""
    return Behaviour(sends_nothing=True)


def offline(then_after: float) -> Behaviour:
    """The same until so many seconds after a study was first asked for; C-FIND calls it nearline."""
    return Behaviour(offline_seconds=then_after)


def sends_someone_else(how: Stranger = Stranger.UNDER_THE_ASKED_UID) -> Behaviour:
    return Behaviour(stranger=how)


def sends_foreign_instances(n: int) -> Behaviour:
    """Besides, n instances of other studies of the same patient, under their own UIDs."""
    return Behaviour(foreign=n)


def sends_twice() -> Behaviour:
    return Behaviour(twice=True)


def leaves_out(n: int, *, admits: bool = False) -> Behaviour:
    """Does not send the last n instances: counted as completed, or admitted as failed with 0xB000."""
    return Behaviour(leaves_out=n, admits=admits)


def fails_some(n: int) -> Behaviour:
    """So many sub-operations fail: 0xB000, true counts, and the list of what failed."""
    return leaves_out(n, admits=True)


def fails_all_with_success() -> Behaviour:
    """0x0000 with none completed and all failed."""
    return leaves_out(EVERY, admits=True) & Behaviour(claims_success=True)


def unknown_destination() -> Behaviour:
    return Behaviour(status=0xA801, status_for=frozenset({Kind.MOVE}))


def moves_to_nobody() -> Behaviour:
    """Every C-MOVE is said to have completed; nothing is sent anywhere."""
    return Behaviour(moves_to_nobody=True)


def sends_late(seconds: float) -> Behaviour:
    """The second half of a C-MOVE comes so long after its final response, over an association of its own."""
    return Behaviour(late_seconds=seconds)


def hides_originator() -> Behaviour:
    """The C-STORE of a C-MOVE does not say which C-MOVE it belongs to."""
    return Behaviour(hides_originator=True)


def says_no_counts() -> Behaviour:
    """No numbers of sub-operations in the final response of a retrieval."""
    return Behaviour(hides_counts=True)


def names_no_failures() -> Behaviour:
    """No list of what failed in the final response of a retrieval."""
    return Behaviour(hides_failed=True)


def says_nothing_between() -> Behaviour:
    """No pending responses of a retrieval, only the final one."""
    return Behaviour(hides_pending=True)


def wrong_uid(uid: str = "2.25.999") -> Behaviour:
    """The command of the middle instance names another UID than was asked for."""
    return Behaviour(wrong_uid=uid)


def no_pixel_data() -> Behaviour:
    return Behaviour(pixels=Pixels.MISSING)


def empty_pixel_data() -> Behaviour:
    return Behaviour(pixels=Pixels.EMPTY)


def mislabels_syntax() -> Behaviour:
    """Every data set is encoded in another syntax than the presentation context says."""
    return Behaviour(wrong_syntax=True)


def breaks_on_compressed() -> Behaviour:
    """Aborts where it would have to send a compressed object."""
    return Behaviour(breaks_on_compressed=True)


def claims_giant_pdu() -> Behaviour:
    """Announces a PDU of nearly 4 GiB before the first instance."""
    return Behaviour(giant_pdu=True)
