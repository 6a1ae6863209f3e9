from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from interviewer.errors import SettingsError
from interviewer.settings import PREFIX, Settings, packaged, read


def test_without_any_variable_everything_is_embedded_and_offline():
    settings = read({})
    assert (settings.encoder, settings.grader, settings.language) == ("e5", "auto", "zh")
    assert not settings.has_endpoint
    assert settings.host == "127.0.0.1"
    assert settings.database == f"sqlite:///{settings.data_dir / 'interviews.db'}"


def test_the_data_of_the_project_is_found():
    assert (packaged("knowledge") / "topics.toml").is_file()
    assert (packaged("prompts") / "grade.md").is_file()


def test_every_setting_has_a_variable():
    values = {
        "language": "en",
        "data_dir": "/tmp/数据",
        "knowledge_dir": "/tmp/bank",
        "bank_dirs": os.pathsep.join(["/tmp/甲", "/tmp/乙"]),
        "database_url": "postgresql+psycopg://u@h/d",
        "encoder": "openai:bge-m3",
        "base_url": "http://localhost:8000/v1",
        "api_key": "sk-1",
        "model": "qwen3",
        "llm_budget": "2.5",
        "grader": "llm",
        "follow_ups": "0",
        "host": "0.0.0.0",
        "port": "0",
    }
    assert set(values) == set(Settings.model_fields)
    settings = read({PREFIX + name.upper(): f" {value}\n" for name, value in values.items()})
    assert settings.data_dir == Path("/tmp/数据")
    assert settings.bank_dirs == (Path("/tmp/甲"), Path("/tmp/乙"))
    assert settings.import_dir == Path("/tmp/甲")
    assert settings.database == "postgresql+psycopg://u@h/d"
    assert settings.api_key.get_secret_value() == "sk-1"
    assert (settings.llm_budget, settings.follow_ups, settings.port) == (2.5, 0, 0)
    assert settings.has_endpoint


def test_our_own_name_wins_over_the_openai_package_s_and_a_blank_one_does_not():
    theirs = {"OPENAI_API_KEY": "theirs", "OPENAI_BASE_URL": "http://theirs/v1"}
    assert read(theirs).base_url == "http://theirs/v1"
    assert read({**theirs, "INTERVIEWER_API_KEY": "ours"}).api_key.get_secret_value() == "ours"
    assert read({**theirs, "INTERVIEWER_API_KEY": "  "}).api_key.get_secret_value() == "theirs"


def test_a_key_alone_chooses_no_endpoint():
    assert not read({"OPENAI_API_KEY": "sk-1"}).has_endpoint
    assert read({"INTERVIEWER_MODEL": "gpt-5-mini"}).has_endpoint


def test_a_secret_is_never_shown():
    settings = read({"INTERVIEWER_API_KEY": "sk-secret"})
    assert "sk-secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("language", "fr"),
        ("encoder", "word2vec"),
        ("encoder", "openai:"),
        ("base_url", "localhost:8000"),
        ("base_url", "file:///etc/passwd"),
        ("llm_budget", "nan"),
        ("llm_budget", "0"),
        ("llm_budget", "inf"),
        ("grader", "human"),
        ("follow_ups", "-1"),
        ("follow_ups", "many"),
        ("port", "70000"),
    ],
)
def test_a_bad_value_is_named_by_its_variable(field, value):
    with pytest.raises(SettingsError, match=PREFIX + field.upper()):
        read({PREFIX + field.upper(): value})


def test_every_bad_value_is_named_at_once_and_no_secret_with_them():
    environ = {"INTERVIEWER_PORT": "x", "INTERVIEWER_GRADER": "y", "INTERVIEWER_API_KEY": "sk-secret"}
    with pytest.raises(SettingsError) as caught:
        read(environ)
    for language in ("zh", "en"):
        said = caught.value.say(language)
        assert "INTERVIEWER_PORT" in said and "INTERVIEWER_GRADER" in said
        assert "sk-secret" not in said


def test_settings_cannot_be_changed_or_made_up():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1
    with pytest.raises(ValidationError, match="Extra inputs"):
        Settings(colour="red")
