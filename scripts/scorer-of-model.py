"""Writes the scoring networks of a model file to a file of their own.

    python3 scripts/scorer-of-model.py MODEL.safetensors SCORER.safetensors

Needs nothing but Python. Tensors keep their names, `scorer.<network>.<name>`, and their bytes.
"""

import json
import struct
import sys


def main(model: str, scorer: str) -> None:
    with open(model, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    kept, tensors = {}, []
    end = 0
    for name in sorted(name for name in header if name.startswith("scorer.")):
        first, last = header[name]["data_offsets"]
        kept[name] = dict(header[name], data_offsets=[end, end + last - first])
        tensors.append(data[first:last])
        end += last - first
    if not kept:
        sys.exit(f"{model} has no scorer; train one with train_scorer before save_model")
    text = json.dumps(kept).encode()
    text += b" " * (-len(text) % 8)
    with open(scorer, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(tensors))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
