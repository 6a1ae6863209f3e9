"""Interviews in SQL: a SQLite file by default, another database by its URL. Every turn is a row of its own."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.schema import CreateColumn, CreateTable

from interviewer.errors import DataFolderError, NotFound
from interviewer.records import Aside, Interview, Outcome, Plan, Turn
from interviewer.text import clean

_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
_WAL_TRIES = 100
_schema = MetaData()
_interviews = Table(
    "interviews",
    _schema,
    Column("id", String(64), primary_key=True),
    Column("plan", Text, nullable=False),
    Column("started", String(40), nullable=False),
    Column("ended", String(40)),
)
_turns = Table(
    "turns",
    _schema,
    Column("interview", String(64), ForeignKey("interviews.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("question", String(200), nullable=False),
    Column("follow_up", Integer),
    Column("point", String(200), nullable=False),
    Column("said", Text, nullable=False),
    Column("fallback", Text, nullable=False),
    Column("hints", Text, nullable=False),  # the asides; the first version kept hints alone, as plain texts
    Column("reply", Text),
    Column("outcome", Text),
    Column("form", String(40), nullable=False, server_default=""),
    Column("intent", String(40), nullable=False, server_default="answer"),
)


class Store:
    """Keeps interviews; every call is one transaction, and a write that lost a race returns False.

    `where` is its URL without a password. DataFolderError when the database cannot be opened or written.
    """

    def __init__(self, url: str) -> None:
        self.where = re.sub(r"://[^/]*@", "://***@", url)
        folder = Path()
        try:
            parsed = make_url(url)
            self.where = parsed.render_as_string(hide_password=True)
            if parsed.drivername == "postgresql":  # the driver of the extra `postgres`
                parsed = parsed.set(drivername="postgresql+psycopg")
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                folder = Path(parsed.database).parent
                folder.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(parsed)
            if parsed.get_backend_name() == "sqlite":
                event.listen(self._engine, "connect", _tune_sqlite)
            with self._engine.begin() as connection:
                for table in _schema.sorted_tables:  # not create_all: two processes may open a new file at once
                    connection.execute(CreateTable(table, if_not_exists=True))
            self._add_new_columns()
        except OSError as error:
            raise DataFolderError("data_folder", path=folder, reason=error.strerror) from error
        except (SQLAlchemyError, ImportError, ValueError) as error:
            raise self._fault(error) from error

    def _add_new_columns(self) -> None:
        """Give a database of an earlier version the columns that have come since."""
        there = {column["name"] for column in inspect(self._engine).get_columns(_turns.name)}
        for column in _turns.columns:
            if column.name in there:
                continue
            with suppress(SQLAlchemyError), self._engine.begin() as connection:  # of two processes one is the first
                declared = CreateColumn(column).compile(dialect=self._engine.dialect)
                connection.execute(text(f"ALTER TABLE {_turns.name} ADD COLUMN {declared}"))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def check(self) -> None:
        """Raise DataFolderError unless a transaction can be written."""
        with self._transaction() as connection:
            connection.execute(update(_interviews).where(_interviews.c.id == "").values(plan=""))

    def create(self, interview: Interview) -> None:
        """Store a new interview with its turns."""
        with self._transaction() as connection:
            values = {
                "id": interview.id,
                "plan": interview.plan.model_dump_json(),
                "started": _stamp(interview.started),
            }
            connection.execute(insert(_interviews).values(**values))
            for turn in interview.turns:
                connection.execute(insert(_turns).values(**_row(interview.id, turn)))

    def load(self, interview_id: str) -> Interview:
        """Return a stored interview; NotFound when there is none with this id."""
        interview_id = clean(interview_id)  # it comes from outside, and a database takes no broken characters
        with self._transaction() as connection:
            row = connection.execute(select(_interviews).where(_interviews.c.id == interview_id)).one_or_none()
            if row is None:
                raise NotFound("unknown_interview", interview=interview_id[:80])
            turns = connection.execute(
                select(_turns).where(_turns.c.interview == interview_id).order_by(_turns.c.number)
            ).all()
        return Interview(
            id=row.id,
            plan=Plan.model_validate_json(row.plan),
            started=_time(row.started),
            ended=_time(row.ended) if row.ended else None,
            turns=tuple(_turn(turn) for turn in turns),
        )

    def add_turn(self, interview_id: str, turn: Turn) -> bool:
        """Store a new turn; False when a turn with its number is there already."""
        try:
            with self._transaction() as connection:
                connection.execute(insert(_turns).values(**_row(interview_id, turn)))
        except IntegrityError:
            return False
        return True

    def save_reply(
        self, interview_id: str, number: int, reply: str, intent: str = "answer", asides: Sequence[Aside] | None = None
    ) -> bool:
        """Store the reply of an open turn; False when the turn was replied to or skipped meanwhile.

        `asides`, if given, are what is left of the turn's: one of them has become the reply.
        """
        values = {"reply": reply, "intent": intent} | ({} if asides is None else {"hints": _written(asides)})
        return self._update(interview_id, number, _turns.c.reply.is_(None), _turns.c.outcome.is_(None), values=values)

    def save_skip(self, interview_id: str, number: int, outcome: Outcome) -> bool:
        """Store that an open turn was skipped; False when it was replied to or skipped meanwhile."""
        values = {"outcome": outcome.model_dump_json()}
        return self._update(interview_id, number, _turns.c.reply.is_(None), _turns.c.outcome.is_(None), values=values)

    def save_outcome(self, interview_id: str, number: int, outcome: Outcome, before: Outcome | None = None) -> bool:
        """Store the outcome of a turn's reply; False when its outcome is no longer the one that it had before."""
        had = _turns.c.outcome.is_(None) if before is None else _turns.c.outcome == before.model_dump_json()
        values = {"outcome": outcome.model_dump_json()}
        return self._update(interview_id, number, _turns.c.reply.is_not(None), had, values=values)

    def save_asides(self, interview_id: str, turn: Turn, before: Turn) -> bool:
        """Store the asides of a turn; False when they are no longer those that it had before."""
        had = _turns.c.hints == _written(before.asides)
        return self._update(interview_id, turn.number, had, values={"hints": _written(turn.asides)})

    def end(self, interview_id: str, when: datetime) -> None:
        """Store that an interview ended; the first time stays."""
        with self._transaction() as connection:
            where = (_interviews.c.id == interview_id) & _interviews.c.ended.is_(None)
            connection.execute(update(_interviews).where(where).values(ended=_stamp(when)))

    def _update(self, interview_id: str, number: int, *conditions: Any, values: dict[str, Any]) -> bool:  # noqa: ANN401
        with self._transaction() as connection:
            where = (_turns.c.interview == interview_id, _turns.c.number == number, *conditions)
            return connection.execute(update(_turns).where(*where).values(**values)).rowcount == 1

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> DataFolderError:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        reason = " ".join(str(cause).split())[:200]
        return DataFolderError("database", reason=reason, path=self.where)


def _tune_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA busy_timeout=10000")
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for its lock here: of two processes that open a new file at once, one would fail.
    for tries_left in reversed(range(_WAL_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not tries_left:
                raise
            time.sleep(0.05)


def _row(interview_id: str, turn: Turn) -> dict[str, Any]:
    row = turn.model_dump(exclude={"asides", "outcome"})
    return {
        **row,
        "interview": interview_id,
        "hints": _written(turn.asides),
        "outcome": turn.outcome and turn.outcome.model_dump_json(),
    }


def _turn(row: Any) -> Turn:  # noqa: ANN401 - a row of SQLAlchemy
    values = row._asdict()
    del values["interview"]
    outcome, asides = values["outcome"], json.loads(values.pop("hints"))
    return Turn.model_validate(
        {
            **values,
            "asides": tuple(_aside(kept) for kept in asides),
            "outcome": _OUTCOME.validate_json(outcome) if outcome else None,
        }
    )


def _written(asides: Sequence[Aside]) -> str:
    return json.dumps([aside.model_dump() for aside in asides], ensure_ascii=False)


def _aside(kept: Any) -> Aside:  # noqa: ANN401 - what the database held
    return Aside(said=kept, rung=1) if isinstance(kept, str) else Aside.model_validate(kept)


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat()


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
