"""The settings, read once from the environment into a frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from interviewer.errors import SettingsError
from interviewer.words import Language

_PACKAGE = Path(__file__).parent
PREFIX = "INTERVIEWER_"
# A setting takes the first of these that is set; the OPENAI_ names are those of the openai package.
_ALSO = {"api_key": "OPENAI_API_KEY", "base_url": "OPENAI_BASE_URL"}


def packaged(folder: str) -> Path:
    """Return a data folder of the project: inside the installed package, or beside it in a checkout."""
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder


class Settings(BaseModel):
    """Every setting; the environment variable of each is its name in capitals after `INTERVIEWER_`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language = "zh"
    data_dir: Path = Field(default_factory=lambda: user_data_path("mock-interviewer", appauthor=False))
    knowledge_dir: Path = Field(default_factory=lambda: packaged("knowledge"))
    bank_dirs: tuple[Path, ...] = ()
    database_url: str = ""
    encoder: Annotated[str, Field(pattern=r"^(e5|sentence-transformers:.+|openai:.+)$")] = "e5"
    base_url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    api_key: SecretStr = SecretStr("")
    model: str = ""
    llm_budget: Annotated[float, Field(gt=0, le=600)] = 60.0
    grader: Literal["auto", "offline", "llm"] = "auto"
    follow_ups: Annotated[int, Field(ge=0, le=5)] = 2
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 7860

    @property
    def has_endpoint(self) -> bool:
        """Whether an endpoint was chosen: a base URL or a model is set (a key alone chooses nothing)."""
        return bool(self.base_url or self.model)

    @property
    def import_dir(self) -> Path:
        """The folder that imported questions go into: the first of `bank_dirs`, else one in the data folder."""
        return self.bank_dirs[0] if self.bank_dirs else self.data_dir / "bank"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the store: the one that was set, else a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'interviews.db'}"


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings of this environment; SettingsError names every variable with a bad value."""
    names = {field: PREFIX + field.upper() for field in Settings.model_fields}
    values: dict[str, str | list[str]] = {}
    for field, name in names.items():
        value = environ.get(name, "").strip() or environ.get(_ALSO.get(field, ""), "").strip()
        if value:
            values[field] = [part for part in value.split(os.pathsep) if part] if field == "bank_dirs" else value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(f"{names.get(str(e['loc'][0]), e['loc'][0])}: {e['msg']}" for e in error.errors())
        raise SettingsError("bad_settings", faults=faults) from None
