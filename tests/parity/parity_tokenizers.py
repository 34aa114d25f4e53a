# mypy: ignore-errors
# The reference libraries are not installed where types are checked.
"""Tokenizers of every kind that the models use, trained on our own texts."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import transformers
from parity_open_clip import SimpleTokenizer, open_clip
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, UnigramTrainer, WordPieceTrainer

CONTEXT = 24
"""Tokens in a text of the small models."""
Texts = list[str]


def train_clip_bpe(corpus: Texts) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Train merges of CLIP's form (`</w>` ends a word) and number them as open_clip does."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = list(open_clip.tokenizer.bytes_to_unicode().values())
    trainer = BpeTrainer(
        vocab_size=1400, end_of_word_suffix="</w>", initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    merges = [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    names = [*alphabet, *(f"{letter}</w>" for letter in alphabet)]
    names += ["".join(pair) for pair in merges]
    names = [*dict.fromkeys(names), "<|startoftext|>", "<|endoftext|>"]
    return {name: number for number, name in enumerate(names)}, merges


def as_transformers(simple: SimpleTokenizer, **options: Any) -> Any:
    """Give open_clip's tokenizer the form that hubs publish; they name the special tokens apart."""
    names = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocab = {names.get(name, name): number for name, number in simple.encoder.items()}
    return transformers.CLIPTokenizer(vocab=vocab, merges=list(simple.bpe_ranks), **options)


def simple_tokenizer(merges: list[tuple[str, str]]) -> SimpleTokenizer:
    """Hand our merges to open_clip in the gzip file that it reads."""
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "bpe.txt.gz"
        path.write_bytes(gzip.compress("\n".join(lines).encode()))
        return SimpleTokenizer(bpe_path=str(path), context_length=CONTEXT)


def gemma_like(corpus: Texts) -> Any:
    """Train BPE with byte fallback, as SigLIP 2 has it from Gemma."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    specials += [f"<0x{byte:02X}>" for byte in range(256)]
    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace(" ", "▁")]
    )
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    backend.train_from_iterator(
        corpus, BpeTrainer(vocab_size=1500, special_tokens=specials, show_progress=False)
    )
    model = json.loads(backend.to_str())["model"]
    tokenizer = transformers.Siglip2Tokenizer(
        vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]]
    )
    eos = tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", eos)]
    )
    tokenizer.padding_side = "right"
    return tokenizer


def bert(corpus: Texts) -> Any:
    """Train WordPiece, as Chinese-CLIP has it from BERT."""
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = WordPieceTrainer(vocab_size=1500, special_tokens=specials, show_progress=False)
    backend.train_from_iterator(corpus, trainer)
    return transformers.BertTokenizer(vocab=backend.get_vocab(), model_max_length=CONTEXT)


def xlm_roberta(corpus: Texts) -> Any:
    """Train Unigram, as XLM-RoBERTa has it from SentencePiece."""
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = UnigramTrainer(
        vocab_size=1500,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    backend.train_from_iterator(corpus, trainer)
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        cls_token="<s>",
        sep_token="</s>",
        model_max_length=CONTEXT,
    )
