"""One of the staff at the list and its decisions: pages are read, and their buttons pressed, as text."""

from preview.records import Role
from support.inspecting import text_of
from support.people import as_person


class Desk:
    """One of the staff, with a browser of their own."""

    def __init__(self, clinic, person: str = "Sam", role: Role = Role.STAFF) -> None:
        self.clinic, self.person = clinic, person
        self.client = clinic.site.app.test_client()
        self.key = as_person(clinic.site, self.client, person, role)

    @property
    def list(self) -> str:
        return f"/staff/{self.key}/unmatched"

    def path(self, row=None) -> str:
        return f"{self.list}/{(row or self.clinic.row()).key}"

    def page(self, row=None) -> str:
        return self.client.page(self.path(row))

    def confirming(self, button: str, html: str = "") -> str:
        """Press one of the four, and read what is to be confirmed."""
        answer = self.client.press(html or self.page(), button)
        assert answer.status_code == 200, text_of(answer.text)
        return answer.text

    def decides(self, button: str, reason: str = "", html: str = "", status: int = 303):
        answer = self.client.press(self.confirming(button, html), f"Confirm: {button}", reason=reason)
        assert answer.status_code == status
        return answer
