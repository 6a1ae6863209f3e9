"""Rules that tell an answer from what is said on the way to one (rules.toml). Chinese and English, no model.

What no rule knows is an answer: a request that is graded costs a click, an answer that is not graded costs trust.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from interviewer.agent.intent import Intent, Understood
from interviewer.text import normalise

# Characters of content: up to SHORT an utterance may be a request alone, above LONG only a correction is no answer.
SHORT, LONG = 32, 90
_HEAD = 60
_FILLER = re.compile(
    r"^(?:嗯+|呃+|额+|啊+|哦+|唉+|哎+|那个|就是说?|这个|不好意思|抱歉|对不起|老师|面试官|您好|你好|好的?|请问|麻烦|那|其实|可能"
    r"|um+|uh+|er+|well|sorry|ok(?:ay)?|so|hi|hello|please|actually)[\s，,。.!！…~～]*",
    re.IGNORECASE,
)


@cache
def signs() -> tuple[tuple[Intent, re.Pattern[str], int], ...]:
    """Return the intents in the order in which they are tried, each with its signs and its greatest length."""
    listed = tomllib.loads((Path(__file__).parent / "rules.toml").read_text(encoding="utf-8"))
    return tuple(
        (Intent(name), re.compile("|".join(f"(?:{sign})" for sign in rule["signs"]), re.IGNORECASE), rule["longest"])
        for name, rule in listed.items()
    )


def read(text: str) -> Understood:
    """Return what an utterance is taken for; an answer unless a rule knows better."""
    said = text.strip()
    size = len(normalise(said))
    if size > LONG:
        correction = next(pattern for intent, pattern, _ in signs() if intent is Intent.CORRECTION)
        return Understood(Intent.CORRECTION if correction.search(said[:_HEAD]) else Intent.ANSWER, 0.95)
    bare = said
    while bare and (filler := _FILLER.match(bare)) and filler.end():
        bare = bare[filler.end() :]
    for intent, pattern, longest in signs():
        if size <= longest and (pattern.search(said) or pattern.search(bare)):
            return Understood(intent, 0.9 if size <= SHORT else 0.7)
    return Understood(Intent.ANSWER, 0.9 if size >= SHORT else 0.7)
