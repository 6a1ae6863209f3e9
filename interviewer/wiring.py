"""The parts put together from the settings, each made when it is first used."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path

from interviewer import bank, check, encoder
from interviewer.agent.understanding import by_model, by_rules
from interviewer.agent.voice import Interviewer
from interviewer.bank import Bank
from interviewer.embeddings import Embeddings, Progress
from interviewer.encoder import EmbeddedE5, Encoder
from interviewer.errors import DataFolderError, InterviewerError
from interviewer.grading.examiner import Examiner, Which
from interviewer.grading.llm import LlmGrader
from interviewer.grading.offline import OfflineGrader
from interviewer.index import Index
from interviewer.llm import Endpoint
from interviewer.session import Sessions
from interviewer.settings import Settings
from interviewer.store import Store


class Wiring:
    """Everything that the page and the terminal need, made on demand and then shared."""

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        self.settings = settings
        self._progress = progress

    @cached_property
    def bank(self) -> Bank:
        """The questions; BankError when files have faults."""
        default = self.settings.import_dir
        own = self.settings.bank_dirs or ((default,) if default.is_dir() else ())
        return bank.load(self.settings.knowledge_dir, *own)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder that the settings name."""
        return encoder.load(self.settings)

    @property
    def shipped_vectors(self) -> Path:
        """The folder of the vectors that come with the bank."""
        return self.settings.knowledge_dir / "vectors"

    @cached_property
    def embeddings(self) -> Embeddings:
        """The vectors of the bank's texts."""
        return Embeddings(self.encoder, self.shipped_vectors, self.settings.data_dir / "vectors")

    @cached_property
    def index(self) -> Index:
        """The search index, synced with the bank."""
        return Index(self.bank, self.embeddings, self.settings.data_dir / "index", self._progress)

    @cached_property
    def endpoint(self) -> Endpoint | None:
        """The language model, None when no endpoint is set."""
        return Endpoint.of(self.settings) if self.settings.has_endpoint else None

    @cached_property
    def store(self) -> Store:
        """The interviews; DataFolderError when they cannot be written."""
        store = Store(self.settings.database)
        store.check()
        return store

    def examiner(self, which: Which | None = None) -> Examiner:
        """The graders, chosen by `which`, else by the settings; LlmNotConfigured when a model is wanted and not set."""
        llm = LlmGrader(self.endpoint, second=self.offline_grader) if self.endpoint else None
        return Examiner(self.offline_grader, llm, which or self.settings.grader)

    @property
    def asked(self) -> list[str]:
        """The wordings that the bank must answer, none when its folder does not list them."""
        listed = self.settings.knowledge_dir / check.ASKED
        return listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []

    @cached_property
    def offline_grader(self) -> OfflineGrader:
        """The grader that needs no network."""
        # Its coefficients are fitted to the vectors of the embedded encoder, whatever the search uses.
        embedded = EmbeddedE5()
        same = embedded.name == self.encoder.name
        return OfflineGrader(self.bank, self.embeddings if same else Embeddings(embedded, self.shipped_vectors))

    @cached_property
    def sessions(self) -> Sessions:
        """The interviews as they happen."""
        examiner = self.examiner()
        llm = self.endpoint
        return Sessions(
            self.bank,
            self.store,
            lambda: examiner,
            Interviewer(self.bank, llm),
            understand=by_rules,
            ask_model=partial(by_model, llm) if llm else None,
        )

    def warm_up(self) -> None:
        """Load the encoder and the vectors, so that the first reply does not wait for them."""
        with suppress(InterviewerError):  # a fault is told when a reply is graded
            self.offline_grader.warm_up()

    def check_data_folder(self) -> None:
        """Raise DataFolderError unless the data folder can be written."""
        self.make_folder(self.settings.data_dir)

    def make_folder(self, folder: Path) -> None:
        """Make a folder that can be written; DataFolderError when that is not possible."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            trial = folder / ".writable"
            trial.write_text("", encoding="utf-8")
            trial.unlink()
        except OSError as error:
            raise DataFolderError("data_folder", path=folder, reason=error.strerror) from error
