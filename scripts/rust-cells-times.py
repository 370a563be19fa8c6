#!/usr/bin/env python3
"""Times Rust cells on this machine: first cell, later cells, the cost of values that cross.

    python scripts/rust-cells-times.py [--evcxr PROGRAM]

Needs jupyter_client and a release build with `--features rust-cells`. Compiled code is kept in
target/evcxr: remove that folder to time the very first cell. With the path of evcxr_jupyter, the
same cells are timed in plain evcxr too, which keeps its code in target/evcxr-plain.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parent.parent
# What the first cell does: a tensor, so that the library is linked.
FIRST = "use u2ad::candle_core::{Device, Tensor}; let a = Tensor::ones((2, 2), u2ad::candle_core::DType::F32, &Device::Cpu)?; a.dims().len()"
LATER = ["1 + 1", "a.sum_all()?.to_scalar::<f32>()?", "fn twice(n: i32) -> i32 { 2 * n } twice(4)"]
CROSSING = """use u2ad::exchange::session;
let begin = std::time::Instant::now();
let people = session.get("people")?;
let given = begin.elapsed();
let image = people.tensor("image")?;
let mapped = begin.elapsed();
session.set("back", &image)?;
let back = begin.elapsed() - mapped;
println!("{:?}: get {:.0?} (file {:.0?}, tensor {:.0?}), set {:.0?}", image.dims(), mapped, given, mapped - given, back);"""
AGAIN = """let begin = std::time::Instant::now();
let people = session.get("people")?;
println!("get again {:.2?}", begin.elapsed());"""


class Specs(KernelSpecManager):
    """One kernel, without installing it."""

    argv = []

    def get_kernel_spec(self, name):
        spec = self.kernel_spec_class(argv=self.argv, display_name=name, language="rust")
        spec.resource_dir = ""
        return spec


def start(argv, environment):
    specs = Specs()
    specs.argv = argv
    manager = KernelManager(kernel_name="timed", kernel_spec_manager=specs)
    begin = time.perf_counter()
    manager.start_kernel(env={**os.environ, **environment})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=600)
    return manager, client, time.perf_counter() - begin


def run(client, code):
    """Seconds that a cell takes, and what it prints."""
    printed = []

    def hear(message):
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed.append(content["text"])
        if message["msg_type"] == "error":
            raise SystemExit("\n".join(content["traceback"]))

    begin = time.perf_counter()
    client.execute_interactive(code, output_hook=hear, timeout=1800)
    return time.perf_counter() - begin, "".join(printed).strip()


def measured(name, argv, environment, head, depend):
    manager, client, ready = start(argv, environment)
    try:
        print(f"{name}: kernel ready {ready:.1f} s")
        if depend:
            print(f"{name}: :dep {run(client, depend)[0]:.1f} s")
        print(f"{name}: first cell {run(client, head + FIRST)[0]:.1f} s")
        for cell in LATER:
            times = [run(client, head + cell)[0] for _ in range(3)]
            print(f"{name}: {cell[:40]!r}: {min(times):.2f} s")
        if head:
            for size, field in [(128, ""), (256, "")]:
                run(client, f"people = phantom_cohort(subjects = 16, size = {size}); len(people)")
                run(client, "[len(subject) for subject in people]")
                for cell in (CROSSING, CROSSING, AGAIN):
                    print(f"{name}: {size} px: {run(client, head + cell)[1]}")
    finally:
        manager.shutdown_kernel(now=True)


def main():
    with tempfile.TemporaryDirectory() as state:
        ours = [str(ROOT / "target/release/u2ad"), "kernel", "start", "{connection_file}"]
        cells = {"U2AD_RUST_CELLS": str(ROOT / "target/evcxr"), "XDG_STATE_HOME": state}
        measured("u2ad", ours, cells, "%%rust\n", None)
        if "--evcxr" in sys.argv:
            program = sys.argv[sys.argv.index("--evcxr") + 1]
            plain = [program, "--control_file", "{connection_file}"]
            folder = ROOT / "target/evcxr-plain"
            folder.mkdir(parents=True, exist_ok=True)
            depend = f":dep u2ad = {{ path = {json.dumps(str(ROOT))}, default-features = false }}\n1"
            measured("evcxr", plain, {"EVCXR_TMPDIR": str(folder)}, "", depend)


main()
