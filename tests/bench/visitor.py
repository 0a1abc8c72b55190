"""A browser without a screen: it opens what a clinical application links to, and presses buttons."""

import html
import re
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from support.installation import Installation

from bench.hospital import until
from fetch.model import Patient

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_STUDY = re.compile(r'id="study-([0-9a-f]+)"')


class Visitor:
    """Opens the patient's page, and has it when every archive has answered."""

    def __init__(self, site: Installation, address: str, patient: Patient) -> None:
        self._address = address
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        with self._opener.open(address + site.launch(patient), timeout=30) as answer:
            self.path = urllib.parse.urlsplit(answer.url).path
        until(lambda: self.studies, pause=0.2)

    @property
    def page(self) -> str:
        return self.get(self.path)[1].decode()

    @property
    def studies(self) -> list[str]:
        """The keys of the studies on the page."""
        return _STUDY.findall(self.page)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with self._opener.open(self._address + path, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, b""

    def fetch(self, *studies: str) -> None:
        """Press Fetch on each."""
        token = html.unescape(_TOKEN.search(self.page)[1])
        body = urllib.parse.urlencode({"csrf_token": token, "on": "study"}).encode()
        for study in studies:
            self._opener.open(f"{self._address}{self.path}/studies/{study}/fetch", body, timeout=30).close()

    def picture(self, study: str, name: str) -> int:
        """The status that a picture answers with."""
        return self.get(f"{self.path}/pictures/{study}/{name}")[0]
