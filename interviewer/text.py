"""Text that people typed or said: cleaned, normalised, cut into units, searched for quotes."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from interviewer.errors import ReplyRefused

MAX_REPLY = 8000
# Texts up to this length are the bank's lines and the clauses of replies: met again and again, so remembered.
_LINE = 200
_KEPT_SYMBOLS = frozenset("+<>=≤≥≠")
_SENTENCE_END = re.compile(r"(?<=[。！？!?；;\n])|(?<=[.．])(?=\s)")
_CLAUSE_END = re.compile(r"(?<=[，,：:、])")


def clean(text: str) -> str:
    """Return the text without control, bidirectional and broken characters, line ends as one newline, trimmed."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    kept = (c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return "".join(kept).strip()


def clean_reply(text: str) -> str:
    """Return a reply fit to be stored and graded; ReplyRefused when nothing is left of it or it is too long."""
    if len(text) > MAX_REPLY:
        raise ReplyRefused("reply_too_long", length=len(text), limit=MAX_REPLY)
    cleaned = clean(text)
    if not normalise(cleaned):
        raise ReplyRefused("reply_empty")
    return cleaned


def _normalised(text: str) -> tuple[str, list[int]]:
    out: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(text):
        for folded in _folded(character):
            out.append(folded)
            origin.append(index)
    return "".join(out), origin


@cache
def _folded(character: str) -> str:
    """Return what normalisation leaves of a character: nothing, or one or more letters, digits, comparison signs."""
    folded = unicodedata.normalize("NFKC", character).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LN" or c in _KEPT_SYMBOLS)


class _Folds(dict[int, str]):
    """What normalisation leaves of each character, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded(chr(code))
        return folded


_FOLDS = _Folds()


def normalise(text: str) -> str:
    """Return the letters, digits and comparison signs alone, width and case folded."""
    return text.translate(_FOLDS)


def find_quote(quote: str, text: str) -> str | None:
    """Return the passage of `text` that the quote repeats (width, case, punctuation ignored), None if there is none."""
    needle = normalise(quote)
    haystack, origin = _normalised(text)
    at = haystack.find(needle) if needle else -1
    return text[origin[at] : origin[at + len(needle) - 1] + 1] if at >= 0 else None


def bigrams(text: str) -> frozenset[str]:
    """Return the set of character pairs of the normalised text (the text itself when it is one character)."""
    return _bigrams_of_line(text) if len(text) <= _LINE else _bigrams(text)


def _bigrams(text: str) -> frozenset[str]:
    flat = normalise(text)
    return frozenset(flat[i : i + 2] for i in range(len(flat) - 1)) or frozenset({flat} - {""})


_bigrams_of_line = lru_cache(maxsize=4_096)(_bigrams)


def containment(part: str, whole: str) -> float:
    """Return which share of the character pairs of `part` occurs in `whole`, 0 to 1 (0 for an empty part)."""
    pairs = bigrams(part)
    return len(pairs & bigrams(whole)) / len(pairs) if pairs else 0.0


def sentences(text: str) -> list[str]:
    """Return the sentences of a text in order, ends of lines ending a sentence too, none of them blank."""
    return [s.strip() for s in _SENTENCE_END.split(text) if normalise(s)]


def clauses(sentence: str) -> list[str]:
    """Return the clauses of a sentence, pieces of under four characters joined to the one that follows."""
    joined: list[str] = []
    carry = ""
    for piece in _CLAUSE_END.split(sentence):
        carry += piece
        if len(normalise(carry)) >= 4:
            joined.append(carry.strip())
            carry = ""
    if normalise(carry):
        if joined:
            joined[-1] += carry.rstrip()
        else:
            joined.append(carry.strip())
    return joined
