"""Staff compare, decide, confirm and undo on the pages; what they see is guarded like everything else."""

import re
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import delete, select
from support.desk import Desk
from support.hospital import OUTSIDE, SECRET
from support.inspecting import polled_address, text_of
from support.studies import OKAFOR, STRANGER
from support.visits import fetches

from fetch.model import Patient, PatientIdentity
from fetch.records import StudyRow, UnmatchedRow
from preview.demo.behaviour import refuses_association
from preview.matching import known, unmatched
from preview.matching.records import Verdict
from preview.records import Role

SAME, OTHER, UNSURE, NOBODY = "Same person", "Another person", "Cannot tell, hand on", "Not a patient"


@pytest.fixture
def sam(clinic):
    return Desk(clinic)


@pytest.fixture
def pat(clinic):
    return Desk(clinic, "Pat")


def pictures(html: str) -> list[str]:
    return re.findall(r'<img[^>]*src="([^"]+)"', html)


def side(html: str, head: str) -> list[str]:
    """One line of the comparison: on the images, in the record, what it says."""
    line = re.search(rf'<tr><th scope="row">{head}</th>(.*?)</tr>', html, re.DOTALL)[1]
    return [text_of(re.sub("</?mark>", "", cell)) for cell in re.findall(r"<td.*?</td>", line, re.DOTALL)]


def marked(html: str) -> list[str]:
    return re.findall("<mark>(.*?)</mark>", html)


# --- what is shown


def test_every_field_of_both_sides_stands_with_its_issuer_and_what_differs_is_marked(clinic, sam):
    images = replace(OKAFOR, name="OKAFOUR^Adaeze^^^Jr", birth_date=date(1957, 7, 14), sex="")
    clinic.hold(images, clinic.archive, AccessionNumber="R-2277", IssuerOfPatientID="OTHER")
    clinic.opened()
    html = sam.page()
    assert side(html, "Family name")[:2] == ["OKAFOUR", "OKAFOR"]
    assert side(html, "Given name") == ["Adaeze", "Adaeze", "✓ agrees"]
    assert side(html, "Suffix")[:2] == ["Jr", "not known"]
    assert [cell[:11] for cell in side(html, "Born")[:2]] == ["14-Jul-1957", "14-Jul-1975"]
    assert side(html, "Gender") == ["not known", "Female", "○ is missing on one side"]
    assert side(html, "Patient no.")[:2] == ["4471902 issued by OTHER", "4471902 issued by HOSP"]
    assert side(html, "Accession")[:2] == ["R-2277", "no order known"]
    assert marked(html)[:5] == ["U", "57", "75", "OTHER", "HOSP"]
    assert "Middle name" not in html


def test_an_issuer_that_is_assumed_is_called_so_on_every_page(clinic, sam):
    clinic.hold(IssuerOfPatientID="")
    clinic.opened()
    for html in (sam.client.page(sam.list), sam.page(), sam.confirming(SAME)):
        assert "issued by RIVERSIDE, assumed" in text_of(re.sub("</?mark>", "", html))


def test_none_of_the_four_is_emphasised_or_chosen(clinic, sam):
    clinic.hold()
    clinic.opened()
    buttons = re.findall(r'<button id="verdict-\w+"[^>]*>.*?</button>', sam.page())
    assert [text_of(button) for button in buttons] == [SAME, OTHER, UNSURE, NOBODY]
    assert not any(
        word in button for button in buttons for word in ("class", "checked", "autofocus", "primary")
    )


def test_the_pictures_come_when_staff_open_the_page_under_the_banner_and_without_a_viewer(clinic, sam):
    clinic.hold(series=2)
    clinic.opened()
    html = sam.page()
    assert pictures(html) == []
    assert 'aria-busy="true"' in html
    clinic.site.fetch_all()
    panel = sam.client.get(polled_address(html), headers={"HX-Request": "true"}).text
    assert "Identity not confirmed." in text_of(panel)
    assert len(pictures(panel)) == 2
    assert "of 6 images. The rest has not been fetched." in text_of(panel)
    assert clinic.site.settings.viewer.url not in sam.page()
    assert "viewer" not in text_of(sam.page()).lower()
    answer = sam.client.get(pictures(panel)[0])
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert "private" in answer.headers["Cache-Control"]
    again = sam.client.get(pictures(panel)[0], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert sam.client.get(polled_address(sam.page()), headers={"HX-Request": "true"}).status_code == 204


ODD = {
    "no id": {"identity": PatientIdentity("", "RIVERSIDE")},
    "a placeholder": {"identity": PatientIdentity("000000", "RIVERSIDE")},
    "a wildcard": {"identity": PatientIdentity("RR*", "RIVERSIDE")},
    "the longest id": {"identity": PatientIdentity("9" * 64, "RIVERSIDE")},
    "no birth date": {"birth_date": None},
    "a birth date to come": {"birth_date": date(2077, 1, 1)},
    "a suffix": {"name": "OKAFOR^Adaeze^M^Dr^Jr"},
    "all in the family name": {"name": "OKAFOR ADAEZE"},
    "three ways to write it": {"name": "OKAFOR^Adaeze=岡^花=おか^はな"},
    "a twin": {"name": "OKAFOR^TWIN A"},
    "lost characters": {"name": "OKAFOR^Ad?ze"},
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_exactly_whom_the_study_claims_is_not_withheld_from_staff(clinic, sam, odd):
    """Its own doubtfulness is what staff look at it for."""
    if "identity" in ODD[odd]:
        clinic.hold(replace(OUTSIDE, **ODD[odd]))
    else:  # under her own number, from somebody else
        identity = PatientIdentity(OKAFOR.identity.patient_id, "OTHER")
        clinic.hold(replace(OKAFOR, identity=identity, **ODD[odd]), clinic.archive)
    clinic.opened()
    assert len(clinic.waiting()) == 1
    sam.page()
    clinic.site.fetch_all()
    assert len(pictures(sam.page())) == 1
    assert "withheld" not in text_of(sam.page())


def test_images_of_yet_another_person_inside_are_withheld_from_staff_too(clinic, sam):
    uid = clinic.hold(images=1)
    clinic.hold(replace(OUTSIDE, name="STRANGER^Sam"), images=1, study_uid=uid)
    clinic.opened()
    sam.page()
    clinic.site.fetch_all()
    part, whole = sorted(clinic.waiting(), key=lambda row: row.part is None)
    assert (part.doubts, part.found.name) == (["foreign-images"], "STRANGER^Sam")
    assert "foreign-images" not in whole.doubts
    assert "1 image is withheld here too" in text_of(sam.page(whole))


# --- who may see it


@pytest.mark.parametrize("role", [Role.REFERRER, Role.RADIOLOGIST])
def test_nobody_but_staff_sees_any_of_it(clinic, sam, role):
    clinic.hold()
    path = clinic.opened(role=role)
    sam.page()
    clinic.site.fetch_all()
    (picture,) = pictures(sam.page())
    row, key = clinic.row(), path.split("/")[2]
    mine = f"/staff/{key}/unmatched"
    for address in (mine, f"{mine}/{row.key}", f"{mine}/{row.key}/updates", picture.replace(sam.key, key)):
        assert clinic.client.get(address).status_code == 403, address
    for form in ("confirm", "decide", "second", "undo", "assign", "search", "fetch"):
        assert clinic.client.post(f"{mine}/{row.key}/{form}").status_code == 400  # no token
    assert clinic.client.get(sam.path(row)).status_code == 403  # another browser's
    assert clinic.client.get(picture).status_code == 403
    name = picture.split("/")[-1]
    assert clinic.client.get(f"/patients/{key}/pictures/{row.study.key}/{name}").status_code == 404


def test_a_form_without_its_token_is_refused_and_with_the_token_of_no_staff_too(clinic, sam):
    clinic.hold()
    path = clinic.opened()
    token = re.search(r'name="csrf_token" value="([^"]+)"', clinic.client.page(path))[1]
    key = path.split("/")[2]
    for form in ("confirm", "decide", "second", "undo", "assign", "search", "fetch"):
        address = f"/staff/{key}/unmatched/{clinic.row().key}/{form}"
        assert clinic.client.post(address, data={"csrf_token": token}).status_code == 403
    assert sam.client.post(f"{sam.path()}/decide", data={"verdict": "SAME"}).status_code == 400
    assert clinic.decisions() == []


def test_whoever_has_no_name_cannot_decide(clinic):
    clinic.hold()
    clinic.opened()
    nobody = Desk(clinic, " ")
    html = nobody.page()
    assert "did not say who you are" in text_of(html)
    assert "verdict-same" not in html
    token = re.search(r'name="csrf_token" value="([^"]+)"', html)[1]
    answer = nobody.client.post(
        f"{nobody.path()}/confirm", data={"csrf_token": token, "verdict": "SAME", "seen": "x"}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("row", ["0" * 32, "x", "a\0b", "%2e%2e"])
def test_a_row_that_never_was_is_nowhere(clinic, sam, row):
    assert sam.client.get(f"{sam.list}/{row}").status_code == 404
    assert sam.client.get(f"{sam.list}/{row}/updates", headers={"HX-Request": "true"}).status_code == 404


# --- deciding


def test_a_confirmed_study_is_on_the_patients_page_at_once_and_undo_takes_it_away_pictures_too(clinic, sam):
    clinic.hold()
    path = clinic.opened()
    tab = clinic.client.page(path)
    sam.page()
    clinic.site.fetch_all()
    (staffs,) = pictures(sam.page())
    confirming = sam.confirming(SAME)
    assert "OKAFOR, Adaeze" in text_of(confirming)
    assert text_of(re.sub("</?mark>", "", confirming)).count("4471902 issued by HOSP") == 2
    sam.decides(SAME)
    panel = clinic.client.poll(tab).text
    assert SECRET in panel
    (theirs,) = pictures(panel)
    assert clinic.client.get(theirs).status_code == 200
    assert sam.client.get(staffs).status_code == 404  # decided: staff see it where everybody does
    said = text_of(sam.page())
    assert "Sam: Same person" in said
    assert "The study is on this patient's page." in said
    sam.client.press(sam.page(), "Undo: Same person", reason="Pressed by mistake")
    assert SECRET not in clinic.client.poll(panel).text
    assert clinic.client.get(theirs).status_code == 404
    assert sam.client.get(staffs).status_code == 200
    stands = text_of(re.search(r'<p id="before">.*?</p>', sam.page(), re.DOTALL)[0])
    assert "Sam: Undone “Pressed by mistake”" in stands
    history = text_of(re.search(r'<ol class="decisions">.*</ol>', sam.page(), re.DOTALL)[0])
    assert history.index("Same person") < history.index("Undone")
    assert "Pressed by mistake" in history
    assert "by the rules" in history
    assert "RR-20931" in history


@pytest.mark.parametrize(("button", "verdict"), [(OTHER, Verdict.OTHER), (NOBODY, Verdict.NOBODY)])
def test_after_another_person_or_no_patient_no_picture_can_be_reached(clinic, sam, button, verdict):
    clinic.hold()
    path = clinic.opened()
    sam.page()
    clinic.site.fetch_all()
    (staffs,) = pictures(sam.page())
    sam.decides(SAME)
    (theirs,) = pictures(clinic.client.page(path))
    sam.client.press(sam.page(), "Undo: Same person")
    sam.decides(button)
    assert clinic.verdicts()[-1] is verdict
    assert clinic.waiting() == []
    assert SECRET not in clinic.client.page(path)
    assert clinic.client.get(theirs).status_code == 404
    assert sam.client.get(staffs).status_code == 404


def test_whoever_cannot_tell_hands_it_on_with_what_they_found_out(clinic, sam, pat):
    clinic.hold()
    clinic.opened()
    sam.client.press(sam.client.page(sam.list), "Assign to me")
    assert "taken on by Sam" in text_of(pat.client.page(pat.list))
    sam.decides(UNSURE, "Asked the ward, nobody answers")
    html = pat.page()
    assert "handed on" in text_of(html)
    assert "Asked the ward, nobody answers" in html
    assert "handed on" in text_of(pat.client.page(pat.list + "?state=handed-on"))
    pat.decides(SAME)
    assert clinic.waiting() == []


def test_against_a_conflict_nothing_is_decided_without_a_reason(clinic, sam):
    clinic.hold(replace(OUTSIDE, sex="M"))
    clinic.opened()
    confirming = sam.confirming(SAME)
    assert "The sex differs." in confirming
    assert re.search(r'<textarea id="reason"[^>]* required', confirming)
    answer = sam.client.press(confirming, "Confirm: Same person", reason="  ")
    assert answer.status_code == 422
    assert "Say why you decide so all the same." in answer.text
    assert clinic.decisions() == []
    sam.client.press(answer.text, "Confirm: Same person", reason="Called the patient")
    assert clinic.decisions()[0].reason == "Called the patient"


def test_the_second_of_two_is_told_and_sees_what_the_first_decided(clinic, sam, pat):
    clinic.hold()
    clinic.opened()
    seen, confirming = pat.page(), pat.confirming(OTHER)
    sam.decides(SAME, "Rang the patient")
    for answer in (pat.client.press(seen, OTHER), pat.client.press(confirming, "Confirm: Another person")):
        assert answer.status_code == 409
        said = text_of(answer.text)
        assert "Nothing was changed. Somebody has decided" in said
        assert "Sam: Same person" in said
        assert "Rang the patient" in said
    assert clinic.verdicts() == [Verdict.SAME]


def test_a_page_that_is_open_says_what_was_decided_meanwhile(clinic, sam, pat):
    clinic.hold()
    clinic.opened()
    pat.page()
    clinic.site.fetch_all()
    html = pat.page()
    assert pat.client.poll(html).status_code == 204
    sam.decides(OTHER)
    panel = pat.client.poll(html).text
    assert "Meanwhile: Sam, Another person" in text_of(panel)
    assert pictures(panel) == []
    assert 'id="live"' in panel
    assert 'id="live"' not in pat.client.poll(panel).text  # said once


def test_two_who_undo_at_once_undo_once(clinic, sam, pat):
    clinic.hold()
    clinic.opened()
    sam.decides(SAME)
    theirs = pat.page()
    sam.client.press(sam.page(), "Undo: Same person")
    answer = pat.client.press(theirs, "Undo: Same person")
    assert answer.status_code == 409
    assert clinic.verdicts() == [Verdict.SAME, Verdict.UNDO]


def test_what_is_not_one_of_the_four_is_refused(clinic, sam):
    clinic.hold()
    clinic.opened()
    for verdict in ("", "AUTO", "same"):
        answer = sam.client.press(sam.page(), SAME, verdict=verdict)
        assert answer.status_code == 422
    assert clinic.decisions() == []


def test_a_record_that_changes_between_the_pages_is_not_confirmed_unseen(clinic, sam):
    clinic.hold(replace(OUTSIDE, name="OKAFOR^Brigitte"))
    clinic.opened()
    sister = Patient(PatientIdentity("77", "HOSP"), "OKAFOR^Brigitte", OKAFOR.birth_date, "F")
    with clinic.parts.records.write() as session:
        known.note(session, [sister], clinic.parts.now)
    html = sam.client.page(sam.path() + "?with=" + number_of(clinic, sister))
    confirming = sam.confirming(SAME, html)
    with clinic.parts.records.write() as session:
        known.note(session, [replace(sister, name="GREEN^Brigitte")], clinic.parts.now)
    assert sam.client.press(confirming, "Confirm: Same person", reason="x").status_code == 409
    assert clinic.decisions() == []


# --- candidates and search


def number_of(clinic, patient: Patient) -> str:
    with clinic.parts.records.read() as session:
        return str(known.numbers(session, [patient.identity])[patient.identity])


@pytest.fixture
def sister(clinic):
    """Somebody we know, who fits better than whom it was found for."""
    patient = Patient(PatientIdentity("8118", "HOSP"), "OKAFOR^Brigitte", OKAFOR.birth_date, "F")
    with clinic.parts.records.write() as session:
        known.note(session, [patient, STRANGER], clinic.parts.now)
    return patient


def test_another_candidate_is_compared_and_chosen_and_no_address_names_anybody(clinic, sam, sister):
    clinic.hold(replace(OUTSIDE, name="OKAFOR^Brigitte"))
    path = clinic.opened()
    html = sam.page()
    people = re.findall(r'<li class="person.*?</li>', html, re.DOTALL)
    assert "Brigitte" in people[0]
    assert "found for this patient" in text_of(people[1])
    assert "differs" in text_of(people[1])
    compare = re.search(r'href="([^"]*with=\d+)"', people[0])[1]
    html = sam.client.page(compare.replace("&amp;", "&"))
    assert side(html, "Given name") == ["Brigitte", "Brigitte", "✓ agrees"]
    assert [text_of(one) for one in re.findall(r'<button id="verdict.*?</button>', html)] == [SAME]
    sam.decides(SAME, html=html)
    assert clinic.decisions()[0].patient_id == "8118"
    assert "8118" in sam.page()
    assert SECRET not in clinic.client.page(path)
    assert SECRET in clinic.client.page(clinic.opened(sister))


def test_on_confirming_others_who_fit_as_well_are_named(clinic, sam):
    clinic.hold()
    clinic.opened()
    double = replace(OKAFOR, identity=PatientIdentity("5550", "HOSP"))
    with clinic.parts.records.write() as session:
        known.note(session, [double], clinic.parts.now)
    assert "1 other patient fits as well: OKAFOR, Adaeze" in text_of(sam.confirming(SAME))
    assert "fits as well" not in text_of(sam.confirming(OTHER))


@pytest.mark.parametrize(
    ("typed", "there"),
    [
        ({"name": "okaf bri"}, "OKAFOR, Brigitte"),
        ({"born": "1975-07-14", "name": "Bri"}, "OKAFOR, Brigitte"),
        ({"number": "8118"}, "OKAFOR, Brigitte"),
        ({"name": "nobody"}, "No patient whom we know fits."),
        ({"name": "x\0y"}, "No patient whom we know fits."),
        ({}, "Type a name, a birth date or a number first."),
    ],
)
def test_known_patients_are_searched_without_a_word_in_an_address(clinic, sam, sister, typed, there):
    clinic.hold()
    clinic.opened()
    answer = sam.client.press(sam.page(), "Search", **typed)
    assert answer.status_code == 200
    found = re.search(r'<div id="found".*?</section>', answer.text, re.DOTALL)[0]
    assert there in text_of(found)
    assert 'http-equiv="refresh"' not in answer.text  # it would take the answer away
    assert "hx-trigger" not in re.search('<section id="panel".*?>', answer.text, re.DOTALL)[0]


@pytest.mark.parametrize("number", ["0", "99999", "9" * 11, "99999999999999", "-1", "x"])
def test_a_patient_whom_nobody_knows_is_not_compared(clinic, sam, number):
    clinic.hold()
    clinic.opened()
    answer = sam.client.get(f"{sam.path()}?with={number}")
    assert answer.status_code == (404 if number.isdigit() and len(number) < 12 else 200)


# --- what came unasked


def test_what_nobody_asked_for_has_no_record_beside_it_until_somebody_is_chosen(clinic, sam, sister):
    unasked(clinic)
    html = sam.page()
    assert "there is no record beside it" in text_of(html)
    assert [text_of(one) for one in re.findall(r'<button id="verdict.*?</button>', html)] == [UNSURE, NOBODY]
    found = sam.client.press(html, "Search", name="okafor brigitte").text
    compare = re.search(r'href="([^"]*with=\d+)"', found)[1]
    sam.decides(SAME, "Told by telephone", html=sam.client.page(compare))
    assert clinic.live_links() == 1
    assert clinic.waiting() == []


def unasked(clinic) -> None:
    """As if its source had sent the study by itself."""
    clinic.hold()
    clinic.opened()
    with clinic.parts.records.write() as session:
        session.execute(delete(UnmatchedRow))
        unmatched.note_unasked(session, session.scalars(select(StudyRow)).one(), clinic.parts.now)


# --- a second person


@pytest.fixture
def careful(clinic):
    clinic.site.file.write_text(f"{clinic.site.file.read_text()}\n[identity]\nsecond_person = true\n")
    clinic.site.app.extensions["preview"] = replace(clinic.parts, settings=clinic.site.settings)
    return clinic


def test_what_one_proposes_somebody_else_confirms(careful, sam, pat):
    careful.hold()
    path = careful.opened()
    assert "once somebody else of the staff has confirmed it" in sam.confirming(SAME)
    sam.decides(SAME, "Rang the patient")
    assert SECRET not in careful.client.page(path)
    assert "waits for a second person" in text_of(sam.client.page(sam.list + "?state=second"))
    html = sam.page()
    assert "You proposed this." in text_of(html)
    assert 'id="agree"' not in html
    token = re.search(r'name="csrf_token" value="([^"]+)"', html)[1]
    seen = re.search(r'name="seen" value="([^"]+)"', html)[1]
    answer = sam.client.post(f"{sam.path()}/second", data={"csrf_token": token, "seen": seen, "agree": "yes"})
    assert answer.status_code == 409
    assert "Somebody else of the staff has to confirm it." in text_of(answer.text)
    html = pat.page()
    assert "Sam: Same person “Rang the patient”" in text_of(html)
    assert side(html, "Patient no.")[1] == "4471902 issued by HOSP"
    pat.client.press(html, "Confirm: Same person")
    assert SECRET in careful.client.page(path)
    assert "Confirmed by a second person" in pat.page()


def test_a_second_person_declines_or_the_first_takes_it_back(careful, sam, pat):
    careful.hold()
    careful.opened()
    sam.decides(OTHER)
    pat.client.press(pat.page(), "Decline", reason="It is her")
    assert careful.row().proposed is None
    assert len(careful.waiting()) == 1
    assert "It is her" in sam.page()
    sam.decides(OTHER)
    sam.client.press(sam.page(), "Undo: Another person")
    assert careful.verdicts()[-1] is Verdict.UNDO
    assert 'id="verdict-other"' in sam.page()


def test_a_proposal_about_another_candidate_shows_that_candidate_to_the_second_person(
    careful, sam, pat, sister
):
    careful.hold(replace(OUTSIDE, name="OKAFOR^Brigitte"))
    careful.opened()
    html = sam.client.page(sam.path() + "?with=" + number_of(careful, sister))
    sam.decides(SAME, html=html)
    assert side(pat.page(), "Patient no.")[1] == "8118 issued by HOSP"


def test_a_study_of_an_archive_that_is_no_longer_in_the_settings_can_be_looked_at_and_decided(clinic, sam):
    clinic.hold()
    clinic.opened()
    less = replace(clinic.site.settings, sources=clinic.site.settings.sources[:1])
    clinic.site.app.extensions["preview"] = replace(clinic.parts, settings=less)
    assert SECRET in sam.client.page(sam.list)
    html = sam.page()
    assert "No pictures have been fetched." in text_of(html)
    assert side(html, "Patient no.")[0] == "RR-20931 issued by RIVERSIDE"
    sam.decides(NOBODY)
    assert clinic.waiting() == []


def test_an_archive_that_is_down_says_so_where_the_pictures_would_be(clinic, sam):
    clinic.hold()
    clinic.opened()
    clinic.outside.behave(refuses_association())
    sam.page()
    clinic.site.fetch_all()
    text = text_of(sam.page())
    assert "Identity not confirmed." in text
    assert "The first pictures could not be fetched" in text
    assert (
        len(fetches(clinic.site)) == 1
    )  # to look again asks for nothing: without scripts it would never end
    clinic.outside.behave_well()
    sam.client.press(sam.page(), "Try now")
    clinic.site.fetch_all()
    assert len(pictures(sam.page())) == 1
