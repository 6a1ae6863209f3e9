"""A reference answer that a user brings, split into key points."""

from __future__ import annotations

import re

from interviewer.bank import KeyPoint
from interviewer.errors import FileRefused
from interviewer.records import Rubric
from interviewer.text import clauses, normalise, sentences

MAX_POINTS = 40
MAX_REFERENCE = 20_000
_MARK = re.compile(r"^\s*(?:[-*+•>#]+(?!\d)|\(?（?[0-9一二三四五六七八九十]{1,2}[.．、)）](?!\d)|[①-⑳])\s*")
_LEAD = re.compile(r"^.{0,60}?(?:有|包括|分为|包含|如下|是|为|原则|方法|类别|种类|内容|步骤)?[：:]")


def rubric_of_reference(question: str, reference: str) -> Rubric:
    """Return a rubric whose points are the claims of a reference answer, all of the same weight.

    FileRefused when the reference holds no claim, or is too long to be one answer.
    """
    found = claims(reference) if len(reference) <= MAX_REFERENCE else []
    if len(reference) > MAX_REFERENCE or len(found) > MAX_POINTS:
        size = {"length": len(reference), "points": len(found), "limit": MAX_REFERENCE, "most": MAX_POINTS}
        raise FileRefused("reference_too_long", **size)
    points = tuple(KeyPoint(id=f"p{number}", text=text, weight=3) for number, text in enumerate(found, start=1))
    if not points:
        raise FileRefused("reference_empty")
    return Rubric(question=question, answer=reference.strip(), points=points)


def claims(reference: str) -> list[str]:
    """Return the claims of a reference answer in order: list items, or sentences, or clauses of a single sentence."""
    said = [_MARK.sub("", sentence) for sentence in sentences(_prose(reference))]
    pieces = [piece for sentence in said for piece in _items(sentence)]
    if len(pieces) <= 2:
        pieces = [clause for piece in pieces for clause in _long_clauses(piece)]
    unique = {normalise(piece): piece.strip(" ，,。；;、：:") for piece in pieces if normalise(piece)}
    return [text[:400] for text in unique.values()]


def _prose(markdown: str) -> str:
    """Return the text without code blocks, headings, table rules and marks of emphasis; table cells as clauses."""
    text = re.sub(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", "\n", markdown, flags=re.DOTALL)
    kept = [line for line in text.splitlines() if not re.match(r"\s*(?:#{1,6}\s|[|:\-\s]+$)", line)]
    rows = (
        re.sub(r"\s*\|\s*", "，", line.strip().strip("|")) if line.lstrip().startswith("|") else line for line in kept
    )
    return re.sub(r"\*\*|__|`", "", "\n".join(rows))


def _items(sentence: str) -> list[str]:
    """Return the items of an enumeration ('A 包括：x、y、z'), or the sentence itself."""
    lead = _LEAD.match(sentence)
    body = sentence[lead.end() :] if lead else sentence
    items = [
        item for item in re.split(r"[、；;]|(?<=[\u4e00-\u9fff])[，,](?=[\u4e00-\u9fff])", body) if normalise(item)
    ]
    short = all(len(normalise(item)) <= 16 for item in items)
    listed = "、" in body or bool(lead)
    return items if listed and short and len(items) >= 2 else [sentence]


def _long_clauses(sentence: str) -> list[str]:
    joined: list[str] = []
    for clause in clauses(sentence):
        if joined and len(normalise(joined[-1])) < 10:
            joined[-1] += clause
        else:
            joined.append(clause)
    return joined
