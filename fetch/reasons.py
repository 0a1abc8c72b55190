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
        Trouble.UNREACHABLE,
        _("The archive's host name is not known."),
        _("Check the host of this archive in the settings (%(where)s), or ask the network administrator."),
    )
    CONNECTION_REFUSED = (
        "connection-refused",
        Trouble.UNREACHABLE,
        _("Nothing answers at the archive's address."),
        _(
            "Try again in a few minutes; if it lasts, check host and port of this archive in the settings"
            " (%(where)s), or call its administrator."
        ),
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
    FELL_SILENT = (
        "fell-silent",
        Trouble.UNREACHABLE,
        _("The archive stopped sending in the middle and did not say that it is done."),
        _("It is tried again by itself, for what is missing; if it lasts, call the archive's administrator."),
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
        _(
            "Try again in a few minutes; if it never answers, ask its administrator to add our AE title"
            " %(aet)s, and whether it wants encryption (TLS)."
        ),
    )
    BUSY = (
        "busy",
        Trouble.REFUSED,
        _("The archive is too busy to take our request."),
        _("Try again in a few minutes; if it happens often, allow fewer associations in the settings."),
    )
    LINES_TAKEN = (
        "lines-taken",
        Trouble.REFUSED,
        _("Every connection that this archive allows us is in use."),
        _("It is tried again by itself; if it happens often, ask its administrator to allow more."),
    )
    PAUSED = (
        "paused",
        Trouble.REFUSED,
        _("Staff have paused this archive."),
        _("It goes on by itself as soon as they let it; for urgent images, call the helpdesk."),
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
        _("The archive does not know our AE title %(aet)s."),
        _("Ask the archive's administrator to add our AE title %(aet)s at %(address)s."),
    )
    CALLED_AET_UNKNOWN = (
        "called-aet-unknown",
        Trouble.SETUP,
        _("The archive does not answer to the AE title %(called)s in our settings."),
        _("Ask the archive's administrator which AE title it has at %(where)s, and set that one."),
    )
    REJECTED = (
        "rejected",
        Trouble.SETUP,
        _("The archive rejected our connection."),
        _("Ask the archive's administrator to allow our AE title %(aet)s to connect to %(where)s."),
    )
    NOT_SUPPORTED = (
        "not-supported",
        Trouble.SETUP,
        _("The archive does not offer this service to us."),
        _(
            "Ask the archive's administrator to allow our AE title %(aet)s queries and retrieval at %(where)s"
            " (C-FIND, C-GET or C-MOVE; QIDO-RS and WADO-RS)."
        ),
    )
    NOT_OFFERED = (
        "not-offered",
        Trouble.SETUP,
        _("The archive does not send us objects of the kinds that this study has."),
        _(
            "Ask the archive's administrator to allow our AE title %(aet)s these kinds too (SOP classes) at"
            " %(where)s."
        ),
    )
    NOT_DICOM = (
        "not-dicom",
        Trouble.SETUP,
        _("Something answers at the archive's address, but it does not speak DICOM."),
        _("Check the host and port of this archive in the settings (%(where)s)."),
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
    NO_SINGLE_IMAGES = (
        "no-single-images",
        Trouble.REQUEST,
        _("The archive does not send single images, and a whole series may be too long for a first picture."),
        _("Fetch the study to see its images."),
    )
    MOVED_NOWHERE = (
        "moved-nowhere",
        Trouble.SETUP,
        _("The archive was asked to send the images to us, but none came."),
        _(
            "Ask its administrator to check that %(aet)s leads to %(address)s,"
            " and see that our receiver runs."
        ),
    )
    RECEIVER_DOWN = (
        "receiver-down",
        Trouble.REFUSED,
        _("Our own receiver, to which this archive sends, does not run."),
        _("It is tried again by itself. Ask whoever looks after this application to start the receiver."),
    )
    RECEIVER_UNKNOWN = (
        "receiver-unknown",
        Trouble.SETUP,
        _("The archive does not know our AE title %(aet)s as a place to send to."),
        _("Ask the archive's administrator to add our AE title %(aet)s at %(address)s."),
    )
    TLS_FAILED = (
        "tls-failed",
        Trouble.SETUP,
        _("No encrypted connection to the archive could be agreed on."),
        _("Check the certificates and the encryption of %(where)s in the settings, on both sides."),
    )
    UNAUTHORIZED = (
        "unauthorized",
        Trouble.SETUP,
        _("The archive did not accept our name and password, or our token."),
        _("Check the file with them that the settings name, with the administrator of %(where)s."),
    )
    NOT_SENT = (
        "not-sent",
        Trouble.REFUSED,
        _("The archive lists this image but did not send it."),
        _("Fetch the missing images; if they stay away, call the archive's administrator."),
    )
    REPORTED_FAILED = (
        "reported-failed",
        Trouble.REFUSED,
        _("The archive reports that it could not send this image."),
        _("Fetch the missing images; if they stay away, call the archive's administrator."),
    )
    WRONG_UID = (
        "wrong-uid",
        Trouble.REQUEST,
        _("The archive sent an object whose UID is none that DICOM allows."),
        _("This needs the archive's administrator."),
    )
    NO_OBJECT = (
        "no-object",
        Trouble.REQUEST,
        _("The archive sent something that is no DICOM object; it was not taken."),
        _("This needs the archive's administrator."),
    )
    SYNTAX_NOT_TAKEN = (
        "syntax-not-taken",
        Trouble.REQUEST,
        _("The archive sent an image in an encoding that is not taken from the network."),
        _("The image is still in the archive; its administrator can say how it is stored there."),
    )
    TOO_LARGE = (
        "too-large",
        Trouble.REQUEST,
        _("The archive sent an image that is larger than any that is taken."),
        _("The image is still in the archive and in the viewer."),
    )
    NOT_KEPT = (
        "not-kept",
        Trouble.REFUSED,
        _("An image came, but there was no room for it on our disk."),
        _("Ask whoever looks after this application to look at its disk, then fetch the missing images."),
    )
    NO_ROOM = (
        "no-room",
        Trouble.REFUSED,
        _("There is no room for pictures on our disk."),
        _("It goes on by itself when there is room. Tell whoever looks after this application."),
    )
    GARBLED = (
        "garbled",
        Trouble.REQUEST,
        _("The archive sent a message that is longer than any that is taken, or is none."),
        _("This needs the archive's administrator."),
    )
    NOT_REQUESTED = (
        "not-requested",
        Trouble.REQUEST,
        _("The archive sent an object that was not asked for."),
        _("This needs the archive's administrator."),
    )
    OTHER_STUDY = (
        "other-study",
        Trouble.REQUEST,
        _("The archive sent an object of another study than the one that was asked for."),
        _("Staff see the study on the list of unmatched studies."),
    )
    SOME_MISSING = (
        "some-missing",
        Trouble.REFUSED,
        _("The archive did not send every image it lists."),
        _("Fetch the missing images; if they stay away, call the archive's administrator."),
    )
    COUNTED_MORE = (
        "counted-more",
        Trouble.REFUSED,
        _("The archive counts more images than it lists; all that it lists are here."),
        _("Its count may be wrong, or it may have lost images: ask the archive's administrator."),
    )
    ARCHIVED = (
        "archived",
        Trouble.REFUSED,
        _("The archive says that these images are archived or offline, and has not sent them yet."),
        _("It is tried again by itself; for urgent images, ask the archive's administrator to load them."),
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
    UNDATED_MAY_LACK = (
        "undated-may-lack",
        Trouble.REFUSED,
        _(
            "The archive has more studies than it gives in one answer; those with a date were all found by"
            " asking in parts. Studies without a date may be missing."
        ),
        _("Nothing needs to be done unless a study without a date is missed: then call its administrator."),
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
        _("The archive does not know the viewer's AE title %(viewer)s as a place to send to."),
        _("Ask the archive's administrator to add the viewer's AE title %(viewer)s at %(viewer_address)s."),
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

    NAME_ONLY = (
        "name-only",
        Trouble.SETUP,
        _("It was asked by name and birth date only: this patient's number there is not known."),
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

    @property
    def for_administrators(self) -> bool:
        """Is the next step theirs: to look at a setting, or to call those of the other side?"""
        ours_or_theirs = self.trouble is Trouble.SETUP and "%(" in self.next_step
        return ours_or_theirs or self.trouble is Trouble.UNREACHABLE or self.code in _OF_THE_LINE

    @classmethod
    def of(cls, code: str | None) -> "Reason | None":
        """The reason stored under this code, or None."""
        return next((reason for reason in cls if reason.code == code), None)


_OF_THE_LINE = ("busy", "lines-taken", "nothing-sent", "receiver-down")
