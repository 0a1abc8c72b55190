"""Why a source could not be asked or would not deliver, each with its next step. Standard library only."""

from enum import Enum


class Trouble(Enum):
    """Whose turn it is: nobody's (it may pass), or the administrator's of one side."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    SETUP = "setup"
    REQUEST = "request"


def _(text: str) -> str:
    """Mark a sentence for translation; it is translated where it is shown."""
    return text


class Reason(Enum):
    """``code``: stored and printed. ``sentence``: what happened. ``next_step``: what to do now."""

    HOST_UNKNOWN = (
        "host-unknown",
        Trouble.SETUP,
        _("The archive's host name is not known."),
        _("Check the host of this archive in the settings, or ask the network administrator."),
    )
    CONNECTION_REFUSED = (
        "connection-refused",
        Trouble.UNREACHABLE,
        _("Nothing answers at the archive's address."),
        _("Try again in a few minutes; if it lasts, call the archive's administrator."),
    )
    NO_CONNECTION = (
        "no-connection",
        Trouble.UNREACHABLE,
        _("The archive cannot be reached over the network."),
        _("Try again in a few minutes; if it lasts, call the archive's administrator."),
    )
    NO_ANSWER = (
        "no-answer",
        Trouble.UNREACHABLE,
        _("The archive did not answer in time."),
        _("Try again in a few minutes; if it lasts, call the archive's administrator."),
    )
    CONNECTION_LOST = (
        "connection-lost",
        Trouble.UNREACHABLE,
        _("The archive ended the connection in the middle of an answer."),
        _("Try again in a few minutes; if it lasts, call the archive's administrator."),
    )
    TURNED_AWAY = (
        "turned-away",
        Trouble.UNREACHABLE,
        _("The archive ended the connection before it answered anything."),
        _("If it never answers, ask its administrator to add our AE title; else try again in a few minutes."),
    )
    BUSY = (
        "busy",
        Trouble.REFUSED,
        _("The archive is too busy to take our request."),
        _("Try again in a few minutes; if it happens often, allow fewer associations in the settings."),
    )
    OUT_OF_RESOURCES = (
        "out-of-resources",
        Trouble.REFUSED,
        _("The archive ran out of resources while it worked on our request."),
        _("Try again in a few minutes, or ask for a shorter date range."),
    )
    CALLING_AET_UNKNOWN = (
        "calling-aet-unknown",
        Trouble.SETUP,
        _("The archive does not know our AE title."),
        _("Ask the archive's administrator to add our AE title with our host and port."),
    )
    CALLED_AET_UNKNOWN = (
        "called-aet-unknown",
        Trouble.SETUP,
        _("The archive does not answer to the AE title in our settings."),
        _("Check the AE title of this archive in the settings with its administrator."),
    )
    REJECTED = (
        "rejected",
        Trouble.SETUP,
        _("The archive rejected our connection."),
        _("Ask the archive's administrator to allow our AE title."),
    )
    NOT_SUPPORTED = (
        "not-supported",
        Trouble.SETUP,
        _("The archive does not offer this service to us."),
        _("Ask the archive's administrator to allow our AE title queries and retrieval (C-FIND, C-GET)."),
    )
    NOT_DICOM = (
        "not-dicom",
        Trouble.SETUP,
        _("Something answers at the archive's address, but it does not speak DICOM."),
        _("Check the host and port of this archive in the settings."),
    )
    REQUEST_FAILED = (
        "request-failed",
        Trouble.REQUEST,
        _("The archive refused our request."),
        _("This needs the imaging administrator; the log has the archive's status."),
    )
    NOTHING_SENT = (
        "nothing-sent",
        Trouble.REFUSED,
        _("The archive reported success but sent no images."),
        _("Try again in a few minutes; if it lasts, call the archive's administrator."),
    )
    SOME_MISSING = (
        "some-missing",
        Trouble.REFUSED,
        _("The archive did not send every image it lists."),
        _("Fetch the missing images; if they stay away, call the archive's administrator."),
    )
    SOME_WITHHELD = (
        "some-withheld",
        Trouble.REQUEST,
        _("The archive sent images that are another patient's."),
        _("Staff see the study on the list of unmatched studies."),
    )
    NOT_DRAWN = (
        "not-drawn",
        Trouble.REFUSED,
        _("Some images could not be drawn: a drawing process ended."),
        _("Fetch again; the images are still in the archive and in the viewer."),
    )
    UNEXPECTED = (
        "unexpected",
        Trouble.REQUEST,
        _("Asking this archive stopped unexpectedly."),
        _("Ask again; if it happens again, this needs the imaging administrator."),
    )
    STOPPED = (
        "stopped",
        Trouble.REQUEST,
        _("Fetching this study stopped unexpectedly several times."),
        _("This needs the imaging administrator; the log has the details."),
    )
    SOURCE_GONE = (
        "source-gone",
        Trouble.SETUP,
        _("This archive is no longer in the settings."),
        _("Ask whoever looks after this application."),
    )
    TOO_MANY = (
        "too-many",
        Trouble.REFUSED,
        _("The archive has more studies than it gives in one answer."),
        _("Ask for a shorter date range to see the rest."),
    )
    UNREADABLE = (
        "unreadable",
        Trouble.REQUEST,
        _("Part of the archive's answer could not be read."),
        _("More studies may exist. This needs the imaging administrator; the log has the details."),
    )
    NO_ID = (
        "no-id",
        Trouble.SETUP,
        _("The archive's answer names no patient id."),
        _("More studies may exist. This needs the imaging administrator."),
    )
    IGNORED_KEY = (
        "ignored-key",
        Trouble.SETUP,
        _("The archive answered about other patients than the one asked for."),
        _("More studies may exist. This needs the imaging administrator."),
    )
    DESTINATION_UNKNOWN = (
        "destination-unknown",
        Trouble.SETUP,
        _("The archive does not know the viewer's archive as a place to send to."),
        _("Ask the archive's administrator to add the viewer's AE title with its host and port."),
    )
    NOT_AT_VIEWER = (
        "not-at-viewer",
        Trouble.REFUSED,
        _("The archive says that it sent the study, but the viewer does not have all of it."),
        _("Reload in a few minutes; if it stays away, call the helpdesk."),
    )
    OTHER_ISSUER = (
        "other-issuer",
        Trouble.SETUP,
        _("This patient's number at that archive is not known."),
        _("Ask that provider for the images, or ask staff to match the patient's number there."),
    )

    def __init__(self, code: str, trouble: Trouble, sentence: str, next_step: str) -> None:
        self.code = code
        self.trouble = trouble
        self.sentence = sentence
        self.next_step = next_step

    @property
    def retriable(self) -> bool:
        """Can trying again help, without anybody changing anything?"""
        return self.trouble in (Trouble.UNREACHABLE, Trouble.REFUSED)

    @classmethod
    def of(cls, code: str | None) -> "Reason | None":
        """The reason stored under this code, or None."""
        return next((reason for reason in cls if reason.code == code), None)
