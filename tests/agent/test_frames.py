"""The interviewer's own words: both languages, one set of placeholders a kind, and none heard twice."""

from __future__ import annotations

import re

import pytest
from builders import interview, turn

from interviewer.agent.frames import catalogue, frame
from interviewer.records import PERSONAS
from interviewer.words import LANGUAGES

HAN = re.compile(r"[\u4e00-\u9fff]")
FRAMES = [
    (kind, language, persona, text)
    for kind, by_language in catalogue().items()
    for language, by_persona in by_language.items()
    for persona, texts in by_persona.items()
    for text in texts
]


def places(text):
    return set(re.findall(r"{(\w+)}", text))


def standing(*said, persona="neutral", language="zh", seed=1):
    made = interview(*(turn(n, "first/one", said=text) for n, text in enumerate(said, 1)), language=language)
    return made.model_copy(update={"plan": made.plan.model_copy(update={"persona": persona, "seed": seed})})


def test_every_kind_has_both_languages_and_a_neutral_voice():
    for kind, by_language in catalogue().items():
        assert set(by_language) == set(LANGUAGES), kind
        assert all(by_persona["neutral"] and set(by_persona) <= set(PERSONAS) for by_persona in by_language.values())


def test_a_kind_has_the_same_placeholders_throughout_and_no_frame_is_there_twice():
    wanted = {}
    for kind, _, _, text in FRAMES:
        assert wanted.setdefault(kind, places(text)) == places(text), (kind, text)
    texts = [text for *_, text in FRAMES]
    assert len(texts) == len(set(texts))


def test_each_frame_is_in_its_language():
    for _, language, _, text in FRAMES:
        assert bool(HAN.search(re.sub(r"{\w+}", "", text))) == (language == "zh") or not re.search(r"\w{4}", text), text


def test_the_seed_decides_and_the_same_interview_gets_the_same_words():
    assert frame("next", standing("甲")) == frame("next", standing("甲"))
    assert len({frame("next", standing("甲", seed=seed)) for seed in range(20)}) > 5


@pytest.mark.parametrize("persona", PERSONAS)
def test_no_frame_is_said_twice_and_then_only_what_it_frames(persona):
    said = []
    for number in range(60):
        said.append(frame("follow", standing(*said, persona=persona), ask=f"问题{number}？"))
    frames = [text.replace(f"问题{number}？", "") for number, text in enumerate(said)]
    used = [text for text in frames if text]
    assert len(used) == len(set(used)) >= 12
    assert said[-1] == "问题59？"


def test_a_persona_speaks_in_its_own_words_first():
    friendly = catalogue()["next"]["zh"]["friendly"]
    assert frame("next", standing("甲", persona="friendly")) in friendly
    assert frame("next", standing(*friendly, persona="friendly")) in catalogue()["next"]["zh"]["neutral"]
