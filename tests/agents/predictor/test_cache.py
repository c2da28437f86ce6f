"""The vector cache: same bits from memory and disk, whoever else writes, whatever is damaged."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from driftline.agents.predictor import CachedEncoder, open_encoder
from driftline.agents.predictor.cache import FLUSH_AT, CacheWarning, default_folder
from driftline.agents.predictor.encoders import Noise
from driftline.sim.types import Float32s

TEXTS = [f"text {i}" for i in range(50)]


def shards(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.npz"))


def filled(folder: Path, texts: list[str]) -> Float32s:
    cache = CachedEncoder(Noise(8), folder)
    found = cache.encode(texts)
    cache.flush()
    return found


def test_memory_disk_and_rounding_agree_bit_for_bit(tmp_path: Path) -> None:
    cache = CachedEncoder(Noise(8), tmp_path)
    first = cache.encode(TEXTS)
    assert np.array_equal(first, Noise(8).encode(TEXTS).astype(np.float16))
    assert np.array_equal(cache.encode(TEXTS[::-1]), first[::-1])
    assert cache.encoded == 50
    cache.flush()
    again = CachedEncoder(Noise(8), tmp_path)
    assert np.array_equal(again.encode([*TEXTS[10:], "new"])[:-1], first[10:])
    assert again.encoded == 1


def test_another_encoder_never_meets_these_vectors(tmp_path: Path) -> None:
    filled(tmp_path, TEXTS)
    other = CachedEncoder(Noise(8, seed=1), tmp_path)
    assert np.array_equal(other.encode(TEXTS), Noise(8, seed=1).encode(TEXTS).astype(np.float16))
    assert other.encoded == 50
    assert other.identity != CachedEncoder(Noise(8), disk=False).identity != Noise(8).identity


@pytest.mark.parametrize("damage", ["torn", "empty", "flipped", "foreign"])
def test_a_corrupt_shard_costs_a_warning_and_heals(tmp_path: Path, damage: str) -> None:
    first = filled(tmp_path, TEXTS)
    (shard,) = shards(tmp_path)
    whole = shard.read_bytes()
    if damage == "foreign":
        np.savez(shard.with_suffix(""), other=np.zeros(3))
    else:
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        shard.write_bytes({"torn": whole[:-100], "empty": b"", "flipped": bytes(flipped)}[damage])
    with pytest.warns(CacheWarning, match=f"corrupt cache file .*{shard.name}"):
        cache = CachedEncoder(Noise(8), tmp_path)
    assert np.array_equal(cache.encode(TEXTS), first)
    assert cache.encoded == 50
    cache.flush()
    assert CachedEncoder(Noise(8), tmp_path).encode(TEXTS).tobytes() == first.tobytes()


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from driftline.agents.predictor import CachedEncoder\n"
        "from driftline.agents.predictor.encoders import Noise\n"
        "cache = CachedEncoder(Noise(8), sys.argv[1])\n"
        "start = int(sys.argv[2])\n"
        "for i in range(start, start + 60):\n"
        "    cache.encode([f'text {i}', f'text {i + 1}'])\n"
        "    cache.flush()\n"
        "cache.encode(['written at exit'])\n"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), start]) for start in ("0", "30")]
    assert [run.wait(60) for run in runs] == [0, 0]
    cache = CachedEncoder(Noise(8), tmp_path)
    texts = [*(f"text {i}" for i in range(91)), "written at exit"]
    assert np.array_equal(cache.encode(texts), Noise(8).encode(texts).astype(np.float16))
    assert cache.encoded == 0
    assert not list(tmp_path.rglob("*.draft"))


def test_vectors_reach_the_disk_without_being_asked_once_many_wait(tmp_path: Path) -> None:
    cache = CachedEncoder(Noise(8), tmp_path)
    cache.encode([f"text {i}" for i in range(FLUSH_AT - 1)])
    assert not shards(tmp_path)
    cache.encode(["one more"])
    assert len(shards(tmp_path)) == 1
    cache.flush()
    assert len(shards(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_costs_a_warning_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = CachedEncoder(Noise(8), tmp_path / "file")
    found = cache.encode(TEXTS)
    with pytest.warns(CacheWarning, match="cannot be written"):
        cache.flush()
    assert np.array_equal(cache.encode(TEXTS), found)


def test_memory_only_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTLINE_CACHE", str(tmp_path))
    cache = CachedEncoder(Noise(8), disk=False)
    cache.encode(TEXTS)
    cache.flush()
    assert not list(tmp_path.iterdir())


def test_the_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTLINE_CACHE", str(tmp_path / "here"))
    assert default_folder() == tmp_path / "here"
    monkeypatch.delenv("DRIFTLINE_CACHE")
    assert default_folder().name == "driftline"


def test_the_cache_changes_no_bit_of_scratch_beyond_rounding(tmp_path: Path) -> None:
    scratch = open_encoder("scratch", "cpu")
    cache = CachedEncoder(scratch, tmp_path)
    half = cache.encode(TEXTS[:7])
    assert np.array_equal(cache.encode(TEXTS)[:7], half)
    assert np.array_equal(half, scratch.encode(TEXTS)[:7].astype(np.float16))
