"""One patient with one study, put into any state that a page can say: by its rows, as workers leave them."""

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from fetch.records import StudyRow
from preview.fallback.records import NoticeRow
from preview.health.records import HealthRow
from preview.health.speeds import Speeds
from preview.queue.bell import Bell
from preview.records import AnswerRow, AskRow, Errand, FetchRow, FoundRow, InstanceRow
from preview.viewer.archive import ViewerArchive
from preview.viewer.links import Entry, Held, Holding
from support.installation import Installation
from support.visits import UID, Visit, opened


class Scene:
    """``undo`` brings back what was there at first: the study fetched whole, all archives well."""

    def __init__(self, site: Installation, archive, instances, monkeypatch) -> None:
        self.site, self._patch = site, monkeypatch
        self.here: Visit = opened(site, site.app.test_client(), archive, instances)
        self.here.fetch()
        with site.parts.records.read() as session:
            (self._fetch,) = [_values(row) for row in session.scalars(select(FetchRow))]
            self._asks = [_values(row) for row in session.scalars(select(AskRow))]
            self._answers = [_values(row) for row in session.scalars(select(AnswerRow))]
            self._found = [_values(row) for row in session.scalars(select(FoundRow))]
            self._health = [_values(row) for row in session.scalars(select(HealthRow))]
            (study,) = session.scalars(select(StudyRow))
            self._count = study.instance_count

    @property
    def now(self):
        return self.site.parts.now

    @property
    def patient(self) -> str:
        return self.here.patient_page

    @property
    def study(self) -> str:
        return self.here.path

    # --- the fetch of the study

    def no_fetch(self) -> None:
        self._replace(FetchRow)

    def fetch_is(self, **values) -> None:
        """The only errand there is; ``wanted_at``, ``moved_at`` and the like as seconds ago."""
        usual = {"active_study": None} if self.ended(values) else {"active_study": self._fetch["study_row"]}
        self._replace(FetchRow, self._fetch | usual | {n: self._ago(n, v) for n, v in values.items()})

    def under_way(self, **values) -> None:
        """Wanted a while ago, and not ended."""
        not_ended = {"finished_at": None, "outcome": None, "reason": None, "begun_at": None, "beat_at": None}
        self.fetch_is(**{**not_ended, "wanted_at": 5, "arrived": 0, "drawn": 0, "moved_at": None, **values})

    def running(self, arrived: int, **values) -> None:
        at = {"wanted_at": 20, "begun_at": 18, "beat_at": 0, "moved_at": 0}
        self.under_way(**{**at, "arrived": arrived, "drawn": arrived, **values})

    def slower_than_usual(self) -> None:
        """The archive usually brings as many in seconds."""
        self._patch.setattr(Speeds, "at", lambda *_: {"main": 4.0})
        self.running(5, brought=5, expected=480, begun_at=400, wanted_at=410)

    def archive_counts(self, many: int) -> None:
        self.change(StudyRow, instance_count=many)

    def enlarging_is(self, **values) -> None:
        """Beside the fetch: the errand for larger pictures."""
        errand = self._fetch | {"id": "e" * 32, "errand": Errand.ENLARGE, "active_study": None}
        with self.site.parts.records.write() as session:
            session.add(FetchRow(**errand | {n: self._ago(n, v) for n, v in values.items()}))

    def only_small(self) -> int:
        """No larger picture is here; the instance that the page shows at first."""
        self.change(InstanceRow, sizes=[256], largest=512)
        with self.site.parts.records.read() as session:
            return session.scalars(select(InstanceRow.id).where(InstanceRow.poster)).first()

    def nothing_larger(self) -> None:
        self.change(InstanceRow, sizes=[256], largest=0)

    def change(self, table, **values) -> None:
        """Any column of every row."""
        with self.site.parts.records.write() as session:
            session.execute(update(table).values(**values))

    # --- the question to the archives

    def no_question(self) -> None:
        for table in (FoundRow, AnswerRow, AskRow):
            self._replace(table)

    def question_is(self, **values) -> None:
        self.change(AskRow, **{n: self._ago(n, v) for n, v in values.items()})

    def nothing_found(self) -> None:
        self._replace(FoundRow)

    def answers_are(self, **values) -> None:
        self.change(AnswerRow, **values)

    # --- the archives, the viewer, and what else there is

    def health_is(self, **values) -> None:
        usual = {"since": 1500, "checked_at": 1, "over_at": None}
        self.change(HealthRow, **{n: self._ago(n, v) for n, v in (usual | values).items()})

    def notice(self, urgency: str) -> None:
        times = {"starts_at": self.now - timedelta(hours=1), "ends_at": self.now + timedelta(hours=8)}
        with self.site.parts.records.write() as session:
            session.add(
                NoticeRow(urgency=urgency, text="Work", made_at=self.now, made_by="Dr Adams", **times)
            )

    def no_redis(self) -> None:
        self._patch.setattr(Bell, "answers", lambda _bell, within=0.0: False)
        self._patch.setattr(Bell, "ring", lambda *_args, **_more: False)

    def no_database(self) -> None:
        self._patch.setattr("preview.routes.banner._stored", _fails)

    def no_room(self) -> None:
        self._patch.setattr("preview.routes.banner.has_room", lambda *_args, **_more: False)

    def no_viewer(self) -> None:
        self._viewer_is_missing("Call Radiology 2345 to read them.")

    def viewer_says(self, holding: Holding, instances: int | None = None, entry: Entry | None = None) -> None:
        held = Held(holding, instances, entry, self.now)
        object.__setattr__(self.site.parts.settings.viewer, "dicomweb", "http://127.0.0.1:1/dicom-web")
        self._patch.setattr(ViewerArchive, "look", lambda _self, uids, *_: dict.fromkeys(uids, held))

    # --- and back again

    def undo(self) -> None:
        self._patch.undo()
        self.site.app.extensions["preview.cards"].clear()  # a site's settings do not change while it runs
        self._viewer_is_missing("")
        object.__setattr__(self.site.parts.settings.viewer, "dicomweb", None)
        for table, rows in (
            (FoundRow, []),
            (AnswerRow, []),
            (AskRow, self._asks),
            (AnswerRow, self._answers),
            (FoundRow, self._found),
            (FetchRow, [self._fetch]),
            (HealthRow, [row | {"checked_at": self.now} for row in self._health]),
            (NoticeRow, []),
        ):
            self._replace(table, *rows)
        self.change(StudyRow, instance_count=self._count, study_uid=UID)
        self.change(InstanceRow, sizes=[256, 640], largest=512)

    def _viewer_is_missing(self, words: str) -> None:
        object.__setattr__(self.site.parts.settings.viewer, "missing", words)  # it is frozen

    @staticmethod
    def ended(values) -> bool:
        return values.get("outcome", "COMPLETE") is not None

    def _ago(self, name: str, value):
        if name.endswith(("_at", "since")) and value is not None:
            return self.now - timedelta(seconds=value)
        return value

    def _replace(self, table, *rows) -> None:
        with self.site.parts.records.write() as session:
            session.execute(delete(table))
            session.add_all(table(**row) for row in rows)


def _values(row) -> dict:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def _fails() -> None:
    raise OperationalError("", None, ConnectionError())
