"""The signed way in: what a token opens, and every token that opens nothing."""

import base64
import hmac
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import jwt
import pytest
from sqlalchemy import select
from support.inspecting import PATIENT_DATA, text_of
from support.installation import ROOT, source_block
from support.signing import ACCEPTS_JSON, KEY, claims, client_block, patient_claim, signed
from support.studies import OKAFOR, study

from preview.entrance.launch import FORMS
from preview.records import AskRow, ContextRow, LaunchRow, Role


@pytest.fixture
def site(install, archive, tmp_path):
    return install(source_block("main", archive.port, aet="MAIN"), client_block(tmp_path))


def launched(client, token, **headers):
    return client.post("/launch", data={"token": token}, headers=headers)


def contexts(site) -> list[ContextRow]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(ContextRow)))


# --- what opens


def test_a_browser_is_led_to_a_one_time_address_without_patient_data(site, client):
    response = launched(client, signed())
    assert response.status_code == 303
    address = response.headers["Location"]
    assert re.fullmatch(rf"http://127\.0\.0\.1:{site.port}/open/[\w-]+", address)
    page = client.page(address.removeprefix(site.settings.app.url))
    assert "OKAFOR, Adaeze" in text_of(page)
    (context,) = contexts(site)
    assert (context.person, context.role, context.patient) == ("Dr Adams", Role.REFERRER, OKAFOR)


def test_a_program_gets_the_address_as_json(site, client):
    response = launched(client, signed(), **ACCEPTS_JSON)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.json["url"].startswith(f"{site.settings.app.url}/open/")


def test_a_launch_needs_no_cookie_and_no_form_token_and_nothing_else_goes_without(site, client):
    assert launched(client, signed()).status_code == 303
    page = client.opened(site)
    assert client.post(f"{page}/ask", data={"preset": "all"}).status_code == 400


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_nothing_opens_without_a_signature(site, client, method):
    assert getattr(client, method)("/launch").status_code == 405
    assert client.get("/open?patient=4471902&issuer=HOSP").status_code == 404
    assert client.get("/open/").status_code == 404
    assert contexts(site) == []


@pytest.mark.parametrize("role", ["staff", "admin"])
def test_staff_need_no_patient_and_see_the_unmatched_list(site, client, role):
    response = launched(client, signed(claims(roles=[role], patient=None)))
    page = client.page(response.headers["Location"].removeprefix(site.settings.app.url))
    assert "Unmatched studies" in text_of(page)


def test_of_several_roles_the_one_counts_that_may_see_most(site, client):
    launched(client, signed(claims(roles=["staff", "referrer"])))
    assert contexts(site)[0].role is Role.STAFF


def test_the_range_of_the_launch_is_what_is_asked_for(site, client):
    token = signed(claims(**{"from": "2024-01-01", "to": "2024-12-31"}))
    client.page(launched(client, token).headers["Location"].removeprefix(site.settings.app.url))
    with site.parts.records.read() as session:
        (ask,) = session.scalars(select(AskRow))
    assert (ask.start, ask.end) == (date(2024, 1, 1), date(2024, 12, 31))


@pytest.mark.parametrize("about", [{"accession": "A1"}, {"study_uid": "1.2.840.1"}])
def test_one_study_is_looked_for_however_old_it_is(site, client, about):
    token = signed(claims(**about))
    client.page(launched(client, token).headers["Location"].removeprefix(site.settings.app.url))
    with site.parts.records.read() as session:
        (ask,) = session.scalars(select(AskRow))
    assert (ask.start, ask.end) == (None, None)


@pytest.mark.parametrize("name", ["accession", "study_uid"])
def test_the_study_that_is_meant_stands_first_and_says_so(site, client, archive, name):
    old = study(day="20190101", StudyDescription="The old one", AccessionNumber="A77")
    for ds in [*old, *study(StudyDescription="A newer one")]:
        archive.add(ds)
    about = {"accession": "A77", "study_uid": str(old[0].StudyInstanceUID)}[name]
    address = launched(client, signed(claims(**{name: about}))).headers["Location"]
    path = client.get(address.removeprefix(site.settings.app.url)).headers["Location"]
    site.ask_all()
    said = text_of(client.page(path))
    assert said.index("The old one") < said.index("for this study") < said.index("A newer one")


def test_a_study_that_is_meant_and_not_found_is_said(site, client, archive):
    for ds in study(StudyDescription="Another one"):
        archive.add(ds)
    address = launched(client, signed(claims(accession="NOT-THERE"))).headers["Location"]
    path = client.get(address.removeprefix(site.settings.app.url)).headers["Location"]
    assert "that the clinical application meant is not shown" not in text_of(client.page(path))
    site.ask_all()
    assert "that the clinical application meant is not shown" in text_of(client.page(path))


@pytest.mark.parametrize("born", ["1975-07-14", "19750714"])
def test_a_birth_date_comes_in_either_spelling(site, client, born):
    launched(client, signed(claims(patient=patient_claim(birth_date=born))))
    assert contexts(site)[0].birth_date == date(1975, 7, 14)


def test_a_name_that_is_a_script_is_only_a_name(site, client):
    token = signed(claims(patient=patient_claim(name="<script>alert(1)</script>^A")))
    html = client.page(launched(client, token).headers["Location"].removeprefix(site.settings.app.url))
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html.lower()


def test_the_example_for_integrators_signs_what_opens(install, archive, tmp_path, monkeypatch, capsys):
    example = re.search(r"```python\n(.+?)```", (ROOT / "preview/connecting.md").read_text(), re.DOTALL)[1]
    (tmp_path / "var").mkdir()
    site = install(source_block("main", archive.port), client_block(tmp_path / "var", "emr", f"{KEY}\n"))
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    assert launched(site.app.test_client(), capsys.readouterr().out.strip()).status_code == 303
    assert contexts(site)[0].patient == OKAFOR


# --- what does not


def by_hand(header: dict, said: dict, key: str = "") -> str:
    """A token that no library would make; without a key it has no signature."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, said)]
    body = b".".join(parts)
    mac = hmac.digest(key.encode(), body, "sha256") if key else b""
    return b".".join([body, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "clinic"}
REFUSED = {
    "no token": (lambda: "", 400, "sent no token"),
    "not a token": (lambda: "abc", 400, "is not a signed token"),
    "three parts of nothing": (lambda: "a.b.c", 400, "is not a signed token"),
    "an endless token": (lambda: "a" * 20_000, 400, "is not a signed token"),
    "claims that are a list": (lambda: by_hand(HEADER, [claims()], KEY), 400, "is not a signed token"),
    "claims nested without end": (
        lambda: "A" + by_hand(HEADER, {}, KEY).split(".")[0] + "." + "W1" * 4000 + ".AA",
        400,
        "is not a signed token",
    ),
    "expired": (lambda: signed(claims(exp=int(time.time()) - 1)), 401, "not valid at this time"),
    "not yet valid": (lambda: signed(claims(nbf=int(time.time()) + 50)), 401, "not valid at this time"),
    "lives too long": (lambda: signed(claims(exp=int(time.time()) + 90)), 401, "more than 60 seconds"),
    "wrong key": (lambda: signed(key="another key of the tests, long enough"), 401, "was not signed with"),
    "unknown client": (lambda: signed(kid="stranger"), 401, "is not known here"),
    "no client": (lambda: jwt.encode(claims(), KEY, algorithm="HS256"), 401, "is not known here"),
    "client is a list": (
        lambda: by_hand({**HEADER, "kid": ["clinic"]}, claims(), KEY),
        400,
        "is not a signed token",
    ),
    "wrong audience": (lambda: signed(claims(aud="somebody-else")), 401, "made for another program"),
    "alg none": (
        lambda: by_hand({**HEADER, "alg": "none"}, claims()),
        401,
        "was not signed with",
    ),
    "alg HS512": (lambda: signed(key=KEY * 2, alg="HS512"), 401, "was not signed with"),
    "alg none with a signature": (
        lambda: by_hand({**HEADER, "alg": "none"}, claims(), KEY),
        401,
        "was not signed with",
    ),
    "no signature": (lambda: by_hand(HEADER, claims()), 401, "was not signed with"),
    "called RS256, signed with our key": (
        lambda: by_hand({**HEADER, "alg": "RS256"}, claims(), KEY),
        401,
        "was not signed with",
    ),
    "signed with the text of a public key": (
        lambda: by_hand(HEADER, claims(), "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"),
        401,
        "was not signed with",
    ),
    "no exp": (lambda: signed(claims(exp=None)), 400, "what was agreed: exp"),
    "no aud": (lambda: signed(claims(aud=None)), 400, "what was agreed: aud"),
    "no jti": (lambda: signed(claims(jti=None)), 400, "what was agreed: jti"),
    "no sub": (lambda: signed(claims(sub=None)), 400, "what was agreed: sub"),
    "no roles": (lambda: signed(claims(roles=None)), 400, "what was agreed: roles"),
    "no patient": (lambda: signed(claims(patient=None)), 400, "names no patient"),
    "exp without end": (lambda: signed(claims(exp=1e400)), 400, ""),
    "exp is text": (lambda: signed(claims(exp="soon")), 400, "is not a signed token"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_token_that_is_not_right_opens_nothing_and_says_why(site, client, why, caplog):
    token, status, sentence = REFUSED[why]
    response = launched(client, token())
    assert response.status_code == status, text_of(response.text)
    said = text_of(response.text)
    assert sentence in said
    reference = re.search(r"L-[0-9A-F]{6}", said)[0]
    logged = caplog.text
    assert f"launch refused reference={reference}" in logged
    assert not PATIENT_DATA.search(logged)
    assert contexts(site) == []


EXPECTED = {
    "patient.birth_date (expected: YYYY-MM-DD)": {"patient": patient_claim(birth_date="14.7.1975")},
    'patient.sex (expected: "F" | "M" | "O")': {"patient": patient_claim(sex="female")},
    'roles.0 (expected: ["referrer" | "radiologist" | "staff" | "admin"])': {"roles": ["doctor"]},
    "to (expected: YYYY-MM-DD)": {"to": "today"},
    "exp (expected: 1767225600)": {"exp": None},
}


@pytest.mark.parametrize("form", EXPECTED)
def test_a_wrong_claim_is_named_with_the_form_that_is_expected(client, form):
    response = launched(client, signed(claims(**EXPECTED[form])), **ACCEPTS_JSON)
    assert response.json["error"] == f"The token does not say what was agreed: {form}."


def test_every_role_stands_in_the_form_that_is_expected():
    assert re.findall(r"\w+", FORMS["roles"]) == list(Role)


WRONG_CLAIMS = {
    "a name of 10 kB": {"patient": patient_claim(name="A" * 10_000)},
    "a name of a number": {"patient": patient_claim(name=4711)},
    "no name": {"patient": {"id": "1", "issuer": "HOSP"}},
    "a name with a line break": {"patient": patient_claim(name="A^B\nlog line")},
    "an id with a wildcard": {"patient": patient_claim(id="44*")},
    "an empty id": {"patient": patient_claim(id="")},
    "a blank id": {"patient": patient_claim(id="   ")},
    "no issuer": {"patient": patient_claim(issuer="")},
    "a birth date that is none": {"patient": patient_claim(birth_date="yesterday")},
    "a birth date of a number": {"patient": patient_claim(birth_date=19750714)},
    "a sex that is none": {"patient": patient_claim(sex="female")},
    "a patient of text": {"patient": "4471902"},
    "a patient of a list": {"patient": [patient_claim()]},
    "roles of text": {"roles": "staff"},
    "no role in the list": {"roles": []},
    "an unknown role": {"roles": ["emperor"]},
    "roles of numbers": {"roles": [1]},
    "a range that ends before it starts": {"from": "2026-02-01", "to": "2026-01-01"},
    "a range of words": {"from": "last year"},
    "a study UID with a query in it": {"study_uid": "1.2.3&x=1"},
    "an accession number of 1 kB": {"accession": "A" * 1000},
    "an endless token id": {"jti": "j" * 1000},
    "a person with a NUL": {"sub": "Dr\0Adams"},
    "a person of a number": {"sub": 7},
    "exp as a boolean": {"exp": True},
}


@pytest.mark.parametrize("why", WRONG_CLAIMS)
def test_hostile_claims_open_nothing_and_are_not_repeated(site, client, why, caplog):
    response = launched(client, signed(claims(**WRONG_CLAIMS[why])), **ACCEPTS_JSON)
    assert response.status_code in {400, 401}, response.json
    assert re.fullmatch(r"L-[0-9A-F]{6}", response.json["reference"])
    assert not PATIENT_DATA.search(response.text + caplog.text)
    assert len(response.text) < 400
    assert contexts(site) == []


def test_a_token_opens_once(site, client):
    token = signed()
    assert launched(client, token).status_code == 303
    response = launched(client, token)
    assert response.status_code == 401
    assert "was used before" in text_of(response.text)
    assert len(contexts(site)) == 1


def test_two_clients_may_use_the_same_token_id(install, archive, tmp_path):
    other = "the other application's key, long enough"
    site = install(
        source_block("main", archive.port), client_block(tmp_path) + client_block(tmp_path, "emr", other)
    )
    client = site.app.test_client()
    said = claims()
    assert launched(client, signed(said)).status_code == 303
    assert launched(client, signed(said, key=other, kid="emr")).status_code == 303
    assert launched(client, signed(said, kid="emr")).status_code == 401


def at_once(site, tokens: list[str]) -> list[int]:
    def one(token: str) -> int:
        return launched(site.app.test_client(), token).status_code

    with ThreadPoolExecutor(len(tokens)) as threads:
        return list(threads.map(one, tokens))


def test_fifty_at_once_all_open(site):
    assert at_once(site, [signed() for _ in range(50)]) == [303] * 50
    assert len(contexts(site)) == 50


def test_of_fifty_who_use_one_token_at_once_one_opens(site):
    assert sorted(at_once(site, [signed()] * 50)) == [303] + [401] * 49
    assert len(contexts(site)) == 1


def test_used_tokens_are_forgotten_when_they_could_not_be_used_again(site, client):
    launched(client, signed())
    with site.parts.records.write() as session:
        row = session.scalars(select(LaunchRow)).one()
        row.ends_at = row.ends_at.replace(year=2020)
    launched(client, signed())
    with site.parts.records.read() as session:
        assert len(session.scalars(select(LaunchRow)).all()) == 1


# --- the browser's cookie


def test_a_browser_that_refuses_our_cookie_is_told_and_the_link_stays_good(site, client):
    address = launched(client, signed()).headers["Location"].removeprefix(site.settings.app.url)
    refusing = site.app.test_client(use_cookies=False)
    response = refusing.get(address)
    assert response.status_code == 403
    assert "refuses our cookie" in text_of(response.text)
    link = re.search(r'<a[^>]*id="own-tab"[^>]*>', response.text)[0]
    assert f'href="{address}"' in link
    assert 'target="_blank"' in link
    assert client.get(address).status_code == 303


def test_embedding_turns_on_everything_that_a_frame_needs_together(install, archive):
    site = install(source_block("main", archive.port), app_lines='embed_origins = ["https://emr.example"]')
    response = site.app.test_client().get(site.launch(OKAFOR), base_url="https://127.0.0.1")
    policy = response.headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://emr.example")
    assert "X-Frame-Options" not in response.headers
    cookie = response.headers["Set-Cookie"]
    assert all(part in cookie for part in ("SameSite=None", "Secure", "Partitioned", "HttpOnly"))


def test_without_embedding_no_other_site_may_frame_us(site, client):
    response = site.app.test_client().get("/")
    assert response.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    cookie = site.app.test_client().get(site.launch(OKAFOR)).headers.get("Set-Cookie", "SameSite=Lax")
    assert "SameSite=Lax" in cookie
    assert "Partitioned" not in cookie


# --- what stands around it


def test_a_token_that_is_far_too_long_is_refused_like_any_other(site, client):
    response = launched(client, "a" * 80_000, **ACCEPTS_JSON)
    assert response.status_code == 413
    assert re.fullmatch(r"L-[0-9A-F]{6}", response.json["reference"])


@pytest.mark.parametrize("left", ["k", "", None])
def test_a_key_that_was_replaced_by_a_short_one_opens_nothing(site, client, tmp_path, left):
    file = site.settings.launch.clients[0].key_file
    file.unlink()
    if left is not None:
        file.write_text(left)
        file.chmod(0o600)
    response = launched(client, signed(key=left or KEY))
    assert response.status_code == 401
    assert contexts(site) == []


def opened_by(client, site, person, role="referrer") -> str:
    token = signed(claims(sub=person, roles=[role]))
    address = launched(client, token).headers["Location"].removeprefix(site.settings.app.url)
    return client.get(address).headers["Location"]


def test_whoever_comes_next_at_the_same_browser_inherits_nothing(site, client):
    staff = opened_by(client, site, "Sam Patel", "staff")
    assert client.get("/unmatched").status_code in {200, 303}
    doctor = opened_by(client, site, "Dr Adams")
    assert client.get(doctor).status_code == 200
    assert client.get("/unmatched").status_code == 403
    assert client.get(staff).status_code == 403


def test_the_same_person_keeps_what_is_open_in_other_tabs(site, client):
    first, second = opened_by(client, site, "Dr Adams"), opened_by(client, site, "Dr Adams")
    assert first != second
    assert (client.get(first).status_code, client.get(second).status_code) == (200, 200)
