"""The form of a reply, whatever it says: an echo of the question, a list of keywords, how clearly it is put."""

from __future__ import annotations

import re

from interviewer.text import bigrams, clauses, containment, normalise, sentences

ECHO = 0.8
# The share of a reply's character pairs that the reference holds, and the characters from which that says something.
VERBATIM, VERBATIM_FROM = 0.97, 60
# Words that turn a row of terms into a statement; a segment without any of them names things and claims nothing.
_PREDICATES = re.compile(
    r"[是为有在用把被让使会能则就而不没要得将从到比给减除加乘做算取变等于越再先后因所如果但也都只更很了着过求跨看依推挑留剪选取试代记删]"
    r"|对于|通过|可以|需要|保持|避免|提高|降低|防止|缓解|解决|增大|减小|相当|依赖|采用"
    r"|[=<>≈≤≥]|\b(?:is|are|was|be|the|of|to|in|on|by|with|we|it|and|that|for|so|not|use[sd]?|when|as|from)\b",
    re.IGNORECASE,
)
_SEGMENT_END = re.compile(r"[，,、；;。！!？?：:\n/|·•]+|\s{2,}|(?<=[\u4e00-\u9fff])\s+|\s+(?=[\u4e00-\u9fff])")
_WORD = re.compile(r"[\u4e00-\u9fff]|[a-zA-Z0-9]+")
_FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$|```.*?```", re.DOTALL)
_MATH = re.compile(r"[=*^]|\d\s*/|/\s*\d")
_FILLER = re.compile(r"嗯+|呃+|那个|这个这个|就是说|然后然后|um+|uh+", re.IGNORECASE)
_ASKING = re.compile(
    r"^(请)?(你)?(来)?(说说|讲讲|介绍一?下|简要说说|展开说说|了解|推导一?下?|手推|手撕|什么是|说一下)+"
)


def is_echo(passage: str, question: str) -> bool:
    """Return whether a passage only repeats the question."""
    flat = normalise(passage)
    asked = normalise(question)
    return bool(flat) and (flat in asked or _ASKING.sub("", flat) in asked or containment(passage, question) >= ECHO)


def segments(reply: str) -> list[str]:
    """Return the pieces between punctuation marks and between Chinese words that stand apart."""
    return [piece.strip() for piece in _SEGMENT_END.split(reply) if normalise(piece)]


def is_keyword_list(reply: str) -> bool:
    """Return whether the reply names things and claims nothing: four pieces or more, hardly one with a predicate."""
    pieces = [piece for piece in segments(_FORMULA.sub(" ", reply)) if not _MATH.search(piece)]
    if len(pieces) < 4:
        apart = reply.split()
        pieces = apart if len(apart) >= 6 and not _PREDICATES.search(reply) else pieces
    if len(pieces) < 4:
        return False
    words = [len(_WORD.findall(piece)) for piece in pieces]
    claims = [count for count, piece in zip(words, pieces, strict=True) if count >= 5 and _PREDICATES.search(piece)]
    return sum(words) <= 6 * len(pieces) and sum(claims) <= 0.35 * sum(words)


def is_verbatim(reply: str, reference: str) -> bool:
    """Return whether a reply of some length is the reference answer itself, or a stretch of it."""
    return len(normalise(reply)) >= VERBATIM_FROM and containment(reply, reference) >= VERBATIM


def clarity(reply: str) -> int:
    """Return how clearly a reply is put, 0 to 100: whole sentences of a readable length, few fillers, no repetition."""
    said = sentences(reply)
    if not said:
        return 0
    flat = normalise(reply)
    value = 100.0
    longest = max(len(normalise(clause)) for sentence in said for clause in clauses(sentence))
    value -= min(30.0, max(0, longest - 45) * 0.6)
    value -= min(25.0, 400.0 * len(_FILLER.findall(reply)) / max(20, len(flat)))
    value -= 60.0 * max(0.0, 0.55 - len(bigrams(reply)) / max(1, len(flat) - 1))
    value -= 40.0 if is_keyword_list(reply) else 0.0
    value -= max(0.0, 40.0 - 2.0 * len(flat))
    return max(0, round(value))
