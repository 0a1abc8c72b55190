"""Why a decision was not taken, in words: what happened, and what to do now."""

from flask_babel import gettext as _


def sentence(why: str) -> str:
    """Of a code that :class:`preview.matching.deciding.Refused` carries, or one of these pages' own."""
    said = {
        "outdated": _(
            "Somebody has decided, or something has changed, since you opened this page. This is how it "
            "stands now."
        ),
        "no-choice": _("Choose what you want to say of the two sides."),
        "needs-reason": _("The two sides contradict each other. Say why you decide so all the same."),
        "images-of-another": _(
            "Nobody knows whom the withheld images name. Have them corrected at the archive; whose the rest "
            "of the study is, is not in doubt."
        ),
        "study-first": _(
            "These images are inside a study of which it is not certain that it is this patient's. Decide "
            "about the study first."
        ),
        "same-person": _("You proposed this yourself. Somebody else of the staff has to confirm it."),
        "linked-elsewhere": _(
            "Staff have matched this id to another patient already. If that was wrong, undo that decision "
            "first: search for the id on the list."
        ),
        "nobody-chosen": _("Nobody was asked about. Choose the patient among those below, or search."),
        "unknown-patient": _("This patient is not known any more. Choose another, or search."),
        "nothing-to-undo": _("There is nothing left to undo. This is how it stands now."),
        "nameless": _(
            "The clinical application did not say who you are, so you cannot decide. Ask the helpdesk to "
            "have it send your name."
        ),
    }
    return str(said[why])
