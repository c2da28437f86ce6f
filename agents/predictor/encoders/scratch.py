"""A small BERT with seeded weights and its own tokenizer: for tests, and for training from nothing."""

from collections import Counter
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from driftline.agents.predictor.device import resolve
from driftline.agents.predictor.encoders._transformer import Precision, TransformerEncoder

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()-/&%+*#@$_="
MOST_WORDS = 20_000


class Scratch(TransformerEncoder):
    """A seeded BERT that needs no download. corpus: texts whose words it knows as a whole."""

    def __init__(
        self,
        device: str = "auto",
        *,
        corpus: Sequence[str] = (),
        seed: int = 0,
        precision: Precision = "bfloat16",
        threads: int = 1,
    ) -> None:
        where = resolve(device)
        super().__init__(*small_bert(corpus, seed), device=where, precision=precision, threads=threads)


def small_bert(
    corpus: Sequence[str] = (), seed: int = 0, *, layers: int = 2, width: int = 128
) -> tuple[torch.nn.Module, PreTrainedTokenizerFast]:
    """A BERT of `layers` x `width` and a WordPiece tokenizer that knows the corpus's words and single characters.

    The weights are normal with sd .02 (Devlin et al. 2019), drawn from a generator seeded with `seed`;
    torch's global generator is left as it was.
    """
    tokenizer = word_pieces(corpus)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        intermediate_size=4 * width,
        max_position_embeddings=128,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        model = BertModel(config, add_pooling_layer=False)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if weight.ndim > 1:
                weight.normal_(0.0, 0.02, generator=generator)
            else:
                weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
    return model, tokenizer


def word_pieces(corpus: Sequence[str]) -> PreTrainedTokenizerFast:
    """Whole words of the corpus, most frequent first; unseen words fall into characters."""
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    counts = Counter(word for text in corpus for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    words = [word for word, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))][:MOST_WORDS]
    pieces = dict.fromkeys([*SPECIAL, *CHARACTERS, *(f"##{c}" for c in CHARACTERS), *words])
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
