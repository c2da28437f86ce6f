"""The pretrained all-MiniLM-L6-v2; its weights are an optional extra."""

from driftline.agents.predictor.device import resolve
from driftline.agents.predictor.encoders._transformer import Precision, TransformerEncoder, load
from driftline.agents.predictor.encoders._weights import folder


class Minilm(TransformerEncoder):
    """Mean over tokens of the pretrained model, unit length (Reimers & Gurevych 2019).

    device: see `driftline.agents.predictor.device.resolve`. Raises `MissingWeightsError` or `WrongHashError`.
    """

    def __init__(self, device: str = "auto", *, precision: Precision = "bfloat16", threads: int = 1) -> None:
        where = resolve(device)
        model, tokenizer = load(str(folder()), offline=True)
        super().__init__(model, tokenizer, device=where, precision=precision, threads=threads)
