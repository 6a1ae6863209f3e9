"""Train the model of interviewer/grading/relation.py: `python -m training.relation` writes its two files.

From every point's right lines (text, says) and wrong lines (denies): two right lines claim the same, a right and a
wrong one the opposite, lines of two points something else; a line may stand beside another, as in a reply. Most points
have lines that differ from one of the other side in a few words only; they keep the model from telling right from wrong
by the voice. To these come the passages of half the labelled replies of the training part, each held against the lines
of the point whose verdict the readers gave. The questions of the test part are left out. About 20 minutes on 2 cores;
needs the extra `train`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from sklearn.metrics import roc_auc_score
from torch import nn

from interviewer.bank import Bank, KeyPoint, Question, load
from interviewer.bench import replies
from interviewer.bench.replies import Labelled
from interviewer.embeddings import Embeddings
from interviewer.encoder import EmbeddedE5
from interviewer.grading.features import Space, center, nearest, units, with_claims
from interviewer.grading.relation import FILE, MOST_PIECES, OPPOSITE, OTHER, PAD, SAME, VOCABULARY
from interviewer.records import Verdict
from interviewer.settings import packaged
from training.e5 import encoder, tokenizer

SEED = 20261124
WIDTH = 160
EPOCHS, BATCH, RATE = 8, 128, 1.5e-3
# Pairs of one point and epoch, drawn anew each time; questions kept back to watch the training.
A_POINT, WATCHED = 6, 40
# How often a line stands beside another one.
BESIDE = 0.35
_SCALE = 8.0

Pair = tuple[str, str, int]


class Model(nn.Module):
    """The model of relation.py with its gradients; `pieces` are E5's embeddings and stay as they are."""

    def __init__(self, pieces: torch.Tensor, width: int = WIDTH) -> None:
        super().__init__()
        self.pieces = nn.Embedding.from_pretrained(pieces, freeze=True, padding_idx=PAD)
        self.project = nn.Linear(pieces.shape[1], width)
        self.first = nn.Conv1d(width, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, padding=1)
        self.attend = nn.Linear(width, width)
        self.compare1, self.compare2 = nn.Linear(4 * width, width), nn.Linear(width, width)
        self.judge1, self.judge2 = nn.Linear(4 * width, width), nn.Linear(width, 3)
        self.drop = nn.Dropout(0.1)
        self.act = nn.GELU(approximate="tanh")

    def projected(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the states of pieces before they see their neighbours, (…, width)."""
        return nn.functional.layer_norm(self.project(self.pieces(ids) * _SCALE), (self.project.out_features,))

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, 3) of two batches of piece ids, (batch, length) each."""
        (a, a_there), (b, b_there) = self._states(left), self._states(right)
        scores = self.attend(a) @ b.transpose(1, 2) / 8
        to_b = torch.softmax(scores.masked_fill(b_there.transpose(1, 2) == 0, -1e4), 2) @ b
        to_a = torch.softmax(scores.transpose(1, 2).masked_fill(a_there.transpose(1, 2) == 0, -1e4), 2) @ a
        pooled = torch.cat([self._pooled(a, to_b, a_there), self._pooled(b, to_a, b_there)], -1)
        return self.judge2(self.drop(self.act(self.judge1(self.drop(pooled)))))

    def _states(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        there = (ids != PAD).unsqueeze(-1).float()
        states = self.drop(self.projected(ids)) * there
        for layer in (self.first, self.second):
            states = (states + self.act(layer(states.transpose(1, 2)).transpose(1, 2))) * there
        return states, there

    def _pooled(self, own: torch.Tensor, aligned: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        both = torch.cat([own, aligned, own - aligned, own * aligned], -1)
        compared = self.act(self.compare2(self.drop(self.act(self.compare1(both)))))
        mean = (compared * there).sum(1) / there.sum(1).clamp(min=1)
        return torch.cat([mean, compared.masked_fill(there == 0, -1e4).max(1)[0]], -1)

    def weights(self) -> dict[str, np.ndarray]:
        """Return the arrays that relation.py reads: matrices turned for `x @ weight`, pieces as scaled int8."""
        self.eval()
        with torch.no_grad():
            pieces = self.projected(torch.arange(len(self.pieces.weight))).numpy()
        pieces[PAD] = 0
        scale = np.float32(np.abs(pieces).max() / 127)
        found = {"pieces": np.round(pieces / scale).astype(np.int8), "scale": np.array(scale)}
        for name in ("first", "second"):
            layer = getattr(self, name)
            found[f"{name}.weight"] = layer.weight.detach().permute(2, 1, 0).reshape(-1, layer.out_channels).numpy()
            found[f"{name}.bias"] = layer.bias.detach().numpy()
        for name in ("attend", "compare1", "compare2", "judge1", "judge2"):
            layer = getattr(self, name)
            found[f"{name}.weight"] = layer.weight.detach().T.contiguous().numpy()
            found[f"{name}.bias"] = layer.bias.detach().numpy()
        exact = ("pieces", "scale")
        return {name: value if name in exact else value.astype(np.float32) for name, value in found.items()}


def rubrics(question: Question) -> Iterator[Sequence[KeyPoint]]:
    """Yield the points of a question and of each of its follow-ups, those that have lines of both kinds."""
    for points in (question.points, *(follow_up.points for follow_up in question.follow_ups)):
        yield [point for point in points if point.says and point.denies]


def pairs(questions: Sequence[Question], rng: random.Random) -> list[Pair]:
    """Return pairs of lines with their relation, drawn by `rng`, in random order and either way round."""
    found: list[Pair] = []
    for question in questions:
        for points in rubrics(question):
            for point in points:
                right, wrong = (point.text, *point.says), point.denies
                alike = [(one, other, SAME) for n, one in enumerate(right) for other in right[n + 1 :]]
                against = [(one, other, OPPOSITE) for one in right for other in wrong]
                drawn = rng.sample(alike, min(A_POINT, len(alike))) + rng.sample(against, min(A_POINT, len(against)))
                apart = [line for p in points if p is not point for line in (p.text, *p.says, *p.denies)]
                drawn += [(rng.choice([*right, *wrong]), rng.choice(apart), OTHER) for _ in range(2 if apart else 0)]
                found += [_beside(pair, apart, rng) for pair in drawn]
    rng.shuffle(found)
    return [(other, one, label) if rng.random() < 0.5 else (one, other, label) for one, other, label in found]


def _beside(pair: Pair, apart: Sequence[str], rng: random.Random) -> Pair:
    one, other, label = pair
    if label == OTHER or not apart or rng.random() >= BESIDE:
        return pair
    said = [one, rng.choice(apart)]
    rng.shuffle(said)
    return "，".join(said), other, label


def windows(rows: Sequence[Labelled], embeddings: Embeddings) -> list[tuple[str, KeyPoint, Verdict]]:
    """Return (passage, point, verdict) of every point of these replies: the passage that is nearest to the point."""
    bank = load(packaged("knowledge"))
    middle = center(embeddings, [point.text for question in bank for point in question.points])
    found = []
    for row in track(rows, "replies"):
        said = units(row.reply, row.rubric.question)
        if said:
            rubric = with_claims(row.rubric)
            passages = nearest(rubric, Space(rubric, embeddings, middle, True), said, embeddings.encoder.passages(said))
            told = zip(passages, rubric.points, strict=True)
            found += [(text, point, row.verdicts[point.id]) for text, point in told if point.says and point.denies]
    return found


def against_lines(found: Sequence[tuple[str, KeyPoint, Verdict]], rng: random.Random) -> list[Pair]:
    """Return pairs of a passage and a line of the point that the readers judged it by."""
    made: list[Pair] = []
    for passage, point, verdict in found:
        right, wrong = rng.sample((point.text, *point.says), 2), rng.sample(point.denies, min(2, len(point.denies)))
        if verdict is Verdict.MET:
            made += [(passage, line, SAME) for line in right] + [(passage, line, OPPOSITE) for line in wrong]
        elif verdict is Verdict.CONTRADICTED:
            made += [(passage, line, OPPOSITE) for line in (*right, point.text)]
        elif verdict is Verdict.MISSING:
            made += [(passage, right[0], OTHER), (passage, wrong[0], OTHER)]
    return made


def left_out(bank: Bank) -> frozenset[str]:
    """Return the ids of the questions that nothing may be fitted on."""
    return frozenset(row.group for row in replies.own(packaged("knowledge"), bank, "test"))


def halves(rows: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """Return the replies of every other question, for this model, and of the rest, for the grader's coefficients."""
    groups = sorted({row.group for row in rows})
    return [r for r in rows if groups.index(r.group) % 2 == 0], [r for r in rows if groups.index(r.group) % 2]


class Training:
    """One run: the model, the tokenizer, and the batches."""

    def __init__(self, bank: Bank) -> None:
        torch.manual_seed(SEED)
        self.tokens, kept = tokenizer([question.answer for question in bank])
        self.model = Model(encoder(kept, types=1).embeddings.word_embeddings.weight.detach())
        self._ids: dict[str, list[int]] = {}

    def ids(self, text: str) -> list[int]:
        """Return the piece ids of a line."""
        if text not in self._ids:
            self._ids[text] = self.tokens.encode(text, add_special_tokens=False).ids[:MOST_PIECES]
        return self._ids[text]

    def batch(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the ids of these lines, padded."""
        rows = [self.ids(text) for text in texts]
        return torch.tensor([row + [PAD] * (max(map(len, rows)) - len(row)) for row in rows])

    def epoch(self, found: list[Pair], optimiser: torch.optim.Optimizer, schedule: object, rng: random.Random) -> float:
        """Train on these pairs once and return the mean loss."""
        found.sort(key=lambda pair: (len(self.ids(pair[0])) + len(self.ids(pair[1]))) // 6 + rng.random() / 2)
        chunks = [found[at : at + BATCH] for at in range(0, len(found), BATCH)]
        rng.shuffle(chunks)
        lost = []
        self.model.train()
        for chunk in chunks:
            one, other, labels = zip(*chunk, strict=True)
            loss = nn.functional.cross_entropy(self.model(self.batch(one), self.batch(other)), torch.tensor(labels))
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimiser.step()
            schedule.step()  # type: ignore[attr-defined]
            optimiser.zero_grad()
            lost.append(loss.item())
        return float(np.mean(lost))

    def quality(self, found: Sequence[Pair]) -> float:
        """Return the AUC of the same against the opposite on these pairs."""
        self.model.eval()
        told = [pair for pair in found if pair[2] != OTHER]
        with torch.no_grad():
            parts = [told[at : at + 512] for at in range(0, len(told), 512)]
            made = [self.model(self.batch([p[0] for p in part]), self.batch([p[1] for p in part])) for part in parts]
        logits = torch.cat(made).numpy()
        return float(roc_auc_score([p[2] == SAME for p in told], logits[:, SAME] - logits[:, OPPOSITE]))


def main(embeddings: Embeddings | None = None) -> None:
    """Train, print how well questions that were kept back are told, and write the files."""
    console = Console()
    bank = load(packaged("knowledge"))
    chosen = [question for question in bank if question.id not in left_out(bank)]
    random.Random(SEED).shuffle(chosen)
    watched, taught = pairs(chosen[:WATCHED], random.Random(SEED)), chosen[WATCHED:]
    training = Training(bank)
    parameters = [p for p in training.model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, RATE, weight_decay=0.02)
    mine, _ = halves(replies.own(packaged("knowledge"), bank, "train"))
    told = windows(mine, embeddings or Embeddings(EmbeddedE5(), packaged("knowledge") / "vectors"))
    rounds = []
    for number in range(EPOCHS):
        rng = random.Random(SEED + number)
        rounds.append(pairs(taught, rng) + against_lines(told, rng))
    steps = sum(-(-len(found) // BATCH) for found in rounds)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    for number, found in enumerate(rounds, start=1):
        lost = training.epoch(found, optimiser, schedule, random.Random(SEED + number))
        console.print(f"{number}/{EPOCHS}: loss {lost:.3f}, AUC {training.quality(watched):.3f} on questions kept back")
    np.savez_compressed(FILE, **training.model.weights())
    training.tokens.save(str(VOCABULARY), pretty=False)
    console.print(f"wrote {FILE} and {VOCABULARY}")


if __name__ == "__main__":
    main()
