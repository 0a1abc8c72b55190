"""A test client that inspects every page it fetches, so that no test has to remember to."""

import re
from html import unescape

from flask.testing import FlaskClient
from tinyhtml5.parser import HTMLParser

from fetch.model import Patient
from preview.records import Role
from support.studies import OKAFOR

PATIENT_DATA = re.compile(r"4471902|OKAFOR|Adaeze|STRANGER|9990001|19750714|1975-07-14", re.IGNORECASE)
"""Whatever names a patient of the tests: it may stand in a page, never in an address."""


class InspectingClient(FlaskClient):
    """Like a browser with a very critical reader."""

    def open(self, *args, **kwargs):
        response = super().open(*args, **kwargs)
        if response.headers.get("Location", "").endswith("?back=1"):  # come back with the cookie
            response = super().open(response.headers["Location"])
        inspect_headers(response)
        redirect = 300 <= response.status_code < 400
        if response.mimetype == "text/html" and response.data and not redirect:
            inspect_html(response.text, whole="<html" in response.text or not _is_poll(response))
        return response

    def opened(
        self, installation, patient: Patient | None = OKAFOR, role: Role = Role.REFERRER, *, ask: bool = True
    ) -> str:
        """Come from the clinical application, let the worker ask, and return the path of the page."""
        path = self.get(installation.launch(patient, role)).headers["Location"]
        if ask:
            installation.ask_all()
        return path

    def poll(self, html: str):
        """What the page's panel asks for at its next poll."""
        return self.get(polled_address(html), headers={"HX-Request": "true"})

    def page(self, path: str, status: int = 200) -> str:
        """The page's HTML, redirects followed."""
        response = self.get(path, follow_redirects=True)
        assert response.status_code == status, (path, response.status_code)
        return response.text

    def press(self, html: str, button: str, **more: str):
        """Submit the form that holds the button with this text, as it stands in the page."""
        form = next(
            f
            for f in re.findall(r"<form.*?</form>", html, re.DOTALL)
            if text_of(_button(f)).strip() == button or button in [text_of(b).strip() for b in _buttons(f)]
        )
        action = unescape(re.search(r'action="([^"]*)"', form)[1])
        data = dict(_inputs(form)) | _named_button(form, button) | more
        return self.post(action, data=data)


def _is_poll(response) -> bool:
    return response.request.path.endswith("/updates")


def _buttons(form: str) -> list[str]:
    return re.findall(r"<button.*?</button>", form, re.DOTALL)


def _button(form: str) -> str:
    return next(iter(_buttons(form)), "")


def _named_button(form: str, text: str) -> dict[str, str]:
    for button in _buttons(form):
        name = re.search(r'name="([^"]*)" value="([^"]*)"', button)
        if text_of(button).strip() == text and name:
            return {name[1]: unescape(name[2])}
    return {}


def _inputs(form: str):
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name:
            yield name[1], unescape(value[1]) if value else ""


def text_of(html: str) -> str:
    """What a reader sees, white space folded."""
    without = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(without)).strip()


def inspect_headers(response) -> None:
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert (
        "no-store" in response.headers["Cache-Control"]
        or "no-cache" in response.headers["Cache-Control"]
        or response.mimetype in {"text/css", "text/javascript", "image/svg+xml"}
    )
    location = response.headers.get("Location", "")
    assert not PATIENT_DATA.search(location), location


def inspect_html(html: str, *, whole: bool) -> None:
    assert "{{" not in html and "{%" not in html
    elements = parsed(html, whole=whole)
    ids = [element.get("id") for element in elements if element.get("id") is not None]
    assert len(ids) == len(set(ids)), sorted(i for i in ids if ids.count(i) > 1)
    assert not [i for i in ids if not i or re.search(r"\s", i)], "an id that no address can name"
    inspect_names(elements, ids if whole else None)
    assert not re.search(r"<script(?![^>]*\ssrc=)", html), "inline script"
    assert not re.search(r"\s(style|on[a-z]+)=\"", html), "inline style or handler"
    for address in re.findall(r'(?:href|src|action|hx-get)="([^"]*)"', html):
        assert not PATIENT_DATA.search(address), address
    if whole:
        (heading,) = re.findall(r"<h1.*?</h1>", html, re.DOTALL)
        title = text_of(re.search(r"<title>(.*?)</title>", html, re.DOTALL)[1])
        assert title.startswith(text_of(heading)), (title, text_of(heading))
        refreshes = '<noscript><meta http-equiv="refresh"' in html or "This page stands still." in html
        assert refreshes == ('aria-busy="true"' in html), "without JavaScript, only a live page reloads"
    inspect_polling(html)


def paces(html: str) -> list[float]:
    """Seconds between two polls, of everything that polls."""
    return [float(seconds) for seconds in re.findall(r'hx-trigger="every ([\d.]+)s"', html)]


def inspect_polling(html: str) -> None:
    """Who says that it is busy polls; who is not polls slowly, or not at all."""
    panel = re.search(r'<section id="panel"[^>]*>', html)
    if panel:
        busy = 'aria-busy="true"' in panel[0]
        assert ("hx-trigger" in panel[0]) == ("hx-get" in panel[0]), panel[0]
        watches = (paces(panel[0]) or [0])[0] > 8
        assert busy == ("hx-trigger" in panel[0] and not watches), panel[0]
    pollers = re.findall(r'<[^>]*\shx-trigger="every [^>]*>', html)
    assert len(pollers) <= 1, pollers
    assert pollers or "<html" not in html or 'id="banner"' not in html, "nobody looks for the banner"


def panel_polls(html: str) -> bool:
    """Is there more to come? The banner is looked for all the same, by itself where the panel does not."""
    panel = re.search(r'<section id="panel"[^>]*>', html)
    return panel is not None and "hx-get" in panel[0]


def inspect_names(elements, ids: list[str] | None) -> None:
    """Whatever can be pressed or looked at has a name, and whatever names another element finds it."""
    for element in elements:
        said = "".join(element.itertext()).strip() or element.get("aria-label")
        if element.tag in {"a", "button", "label", "h1", "h2", "h3", "summary"}:
            assert said or _pictures(element), f"<{element.tag}> without a name"
        if element.tag == "img":
            assert element.get("alt") is not None, "a picture without a text alternative"
        if element.tag == "form" and element.get("method") == "post":
            assert _token(element), "a form without its CSRF token"
        for named in (element.get("aria-labelledby") or "").split():
            assert ids is None or named in ids, named


def _pictures(element) -> bool:
    return any(one.get("alt") for one in element.iter("img"))


def _token(form) -> bool:
    return any(one.get("name") == "csrf_token" and one.get("value") for one in form.iter("input"))


def polled_address(html: str) -> str:
    return unescape(re.search(r'hx-get="([^"]*)"', html)[1])


def parsed(html: str, *, whole: bool = True) -> list:
    """Every element of the page or panel; an error of its HTML, as a browser would find it, fails."""
    parser = HTMLParser(namespace_html_elements=False)
    tree = parser.parse(html) if whole else parser.parse_fragment(html)
    assert not parser.errors, parser.errors[:3]
    roots = [tree] if whole else list(tree)
    return [element for root in roots for element in root.iter() if isinstance(element.tag, str)]
