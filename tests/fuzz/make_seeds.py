#!/usr/bin/env python3
"""Writes the first seeds of the fuzzers: the files that other tests read, and small ones of the same forms.

  python tests/fuzz/make_seeds.py
"""

import glob
import os
import struct
import zipfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SEEDS = os.path.join(TESTS, "fuzz", "seeds")


def put(folder, name, content):
    os.makedirs(os.path.join(SEEDS, folder), exist_ok=True)
    with open(os.path.join(SEEDS, folder, name), "wb") as file:
        file.write(content)


def torch_files():
    for path in sorted(glob.glob(os.path.join(TESTS, "trainer/torch_file/reference/*"))):
        name = os.path.basename(path)
        with zipfile.ZipFile(path) as archive:
            pickle = next(entry for entry in archive.namelist() if entry.endswith("/data.pkl"))
            put("pickle", name, archive.read(pickle))
        put("torch_file", name, open(path, "rb").read())


def refused_pickles():
    put("pickle", "system", b"cos\nsystem\n\x8c\x04true\x85R.")
    put("pickle", "nested", b"]" * 2000 + b"a" * 1999 + b".")
    put("pickle", "itself", b"]q\x01h\x01a.")
    put("pickle", "doubled", b"N" + b"q\x01h\x01\x86" * 60 + b".")
    put("pickle", "long_text", b"X\xff\xff\xff\xff.")
    put("pickle", "repeated_text", b"(X\xd0\x07\x00\x00" + b"x" * 2000 + b"q\x01" + b"h\x01" * 2000 + b"t.")
    call = b"ctorch._utils\n_rebuild_tensor_v2\n((\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x04tQ"
    put("pickle", "huge_sizes", call + b"K\x00" + b"\x8a\x08\0\0\0\0\0\0\0\x40" * 2 + b"\x86K\x01K\x01\x86\x89}tR.")
    put("pickle", "ordered_dict", b"ccollections\nOrderedDict\n](]K\x01K\x02\x86](K\x03K\x04ee\x85R.")


def safetensors():
    path = os.path.join(TESTS, "trainer/checkpoint/several_types.safetensors")
    put("safetensors", "several_types", open(path, "rb").read())
    for name, header, data in [
        ("one", b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"1234"),
        ("metadata", b'{"__metadata__":{"format":"pt"},"w":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}', b"12345678"),
        ("empty", b"{}", b""),
        ("huge_shape", b'{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}', b"1234"),
        ("nested", b'{"w":' + b"[" * 3000 + b"]" * 3000 + b"}", b""),
        ("overlap", b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
         b"123456"),
    ]:
        put("safetensors", name, struct.pack("<Q", len(header)) + header + data)
    put("safetensors", "huge_header", struct.pack("<Q", 2**63) + b"{}")


torch_files()
refused_pickles()
safetensors()
