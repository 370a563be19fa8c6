#!/usr/bin/env python3
"""Uses a kernel for some minutes as two impatient people would, and fails if anything grows.

    . tests/jupyter/environment.sh && "$environment/bin/python" scripts/soak.py --minutes 60

Half of the time one kernel lives on: cells, figures, trainings, floods of text, interrupts, completions, from two
clients at once. In the other half kernels are restarted: asked to, at once, and after a kill. Every line of the
table is measured while the kernel is idle: memory, open handles and threads of its process, and what lies in the
temporary folder and in the folder of the state of u2ad.
"""

import argparse
import json
import os
import pathlib
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
MEGABYTE = 1 << 20

SETUP = """\
people = phantom_cohort(subjects = 4, pixel_spacing_mm = 3.0)
model = u2ad(image = 64, embed_dim = 16, depth = 1, heads = 2, decoder_embed_dim = 16, decoder_depth = 1, \\
    decoder_heads = 2)
"""
CELLS = [
    "1 + 1",
    "train_epoch(model, people)",
    "plot(model.history)",
    "people[0].middle",
    "found = detect(intensity_threshold(), people)\nfound",
    "table([{'subject': one.subject, 'score': one.score} for one in found])",
    "help(detect)",
    "text = 'x' * 20000000\nlen(text)",
    "text = None",
    "this name does not exist",
    "[n * n for n in range(100000)][-1]",
]
FLOOD = "for number in range(20000):\n    print('line', number)"
# Rounds with the same model.
NEW_MODEL = 20
ENDLESS = "for a in range(1000000):\n    for b in range(1000000):\n        pass"


def folder_size(folder):
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                pass
    return total


class Kernel:
    """A kernel with two clients, and what it takes of the machine."""

    def __init__(self, place):
        from jupyter_client import KernelManager

        self.place = place
        self.manager = KernelManager(kernel_name="u2ad")
        self.manager.start_kernel(cwd=str(place / "work"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.clients = []
        self.connect()

    def connect(self):
        for client in self.clients:
            client.stop_channels()
        self.clients = [self.manager.blocking_client() for _ in range(2)]
        for client in self.clients:
            client.start_channels()
            client.wait_for_ready(timeout=60)
        self.run(SETUP)

    @property
    def process(self):
        return self.manager.provisioner.pid

    def run(self, source, who=0, timeout=120):
        """Runs a cell and reads all that it shows; the status of the reply."""
        client = self.clients[who]
        shown = []
        reply = client.execute_interactive(source, timeout=timeout, output_hook=shown.append, allow_stdin=False)
        return reply["content"]["status"]

    def flood(self):
        assert self.run(FLOOD) == "ok"

    def interrupt(self):
        answer = queue.Queue()
        thread = threading.Thread(target=lambda: answer.put(self.run(ENDLESS)))
        thread.start()
        time.sleep(0.5)
        self.manager.interrupt_kernel()
        status = answer.get(timeout=30)
        thread.join()
        assert status == "error", status

    def is_complete(self, client, source):
        asked = client.is_complete(source)
        while True:
            reply = client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == asked:
                return reply["content"]["status"]

    def together(self):
        """Both clients at once: one runs cells, the other asks while they run."""
        thread = threading.Thread(target=lambda: [self.run(cell) for cell in CELLS[:5]])
        thread.start()
        other = self.clients[1]
        while thread.is_alive():
            assert other.complete("peop", reply=True, timeout=60)["content"]["status"] == "ok"
            assert other.inspect("detect", reply=True, timeout=60)["content"]["status"] == "ok"
            assert self.is_complete(other, "def f():") == "incomplete"
            assert self.run("2 + 2", who=1) == "ok"
        thread.join()

    def everything(self):
        for cell in CELLS:
            expected = "error" if cell.startswith("this") else "ok"
            status = self.run(cell)
            assert status == expected, (cell, status)
        self.flood()
        self.interrupt()
        self.together()

    def measure(self):
        time.sleep(0.5)
        folder = pathlib.Path(f"/proc/{self.process}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
        return {
            "memory": int(status["VmRSS"].split()[0]) / 1024,
            "handles": len(os.listdir(folder / "fd")),
            "threads": int(status["Threads"]),
            "temporary": folder_size(self.place / "tmp") / MEGABYTE,
            "state": folder_size(self.place / "home") / MEGABYTE,
        }

    def end(self):
        for client in self.clients:
            client.stop_channels()
        self.manager.shutdown_kernel()


UNITS = {"memory": "MB", "handles": "", "threads": "", "temporary": "MB", "state": "MB"}
# How much a quantity may be higher in the last third of the lines than in the second: a share, and an amount. The
# first third warms up: caches fill, and the history of a training grows to its bound.
SLACK = {
    "memory": (0.15, 30),
    "handles": (0, 3),
    "threads": (0, 3),
    "temporary": (0.1, 10),
    "state": (0.5, 5),
}


def grown(lines, what):
    """Sentences about what grew in these lines."""
    third = len(lines) // 3
    if third < 1:
        return [f"too few rounds to judge {what}: give more minutes"]
    found = []
    for name, (share, amount) in SLACK.items():
        before = statistics.median(line[name] for line in lines[third : 2 * third])
        after = statistics.median(line[name] for line in lines[-third:])
        if after > before * (1 + share) + amount:
            found.append(f"{name} grew from {before:.1f} to {after:.1f} {UNITS[name]} {what}")
    return found


def show(minutes, phase, line):
    numbers = "".join(f"{line[name]:>14.1f}" if unit else f"{line[name]:>14}" for name, unit in UNITS.items())
    print(f"{minutes:8.1f}  {phase:<10}{numbers}", flush=True)


def soak(place, minutes):
    begun = time.monotonic()
    since = lambda: (time.monotonic() - begun) / 60
    print(f"{'minutes':>8}  {'phase':<10}" + "".join(f"{f'{n} {u}'.strip():>14}" for n, u in UNITS.items()), flush=True)
    kernel = Kernel(place)
    living, restarted = [], []
    while since() < minutes / 2:
        # A model remembers every epoch; a new one begins without any.
        if len(living) % NEW_MODEL == 0:
            kernel.run(SETUP)
        kernel.everything()
        living.append(kernel.measure())
        show(since(), "one kernel", living[-1])
    ways = ["asked", "at once", "killed"]
    while since() < minutes:
        way = ways[len(restarted) % len(ways)]
        kernel.run("train_epoch(model, people)")
        if way == "killed":
            os.kill(kernel.process, signal.SIGKILL)
            time.sleep(0.2)
        kernel.manager.restart_kernel(now=way != "asked")
        kernel.connect()
        kernel.run("train_epoch(model, people)")
        restarted.append(kernel.measure())
        show(since(), way, restarted[-1])
    kernel.end()
    left = folder_size(place / "tmp") / MEGABYTE
    print(f"{left:.1f} MB are left in the temporary folder when the last kernel has ended")
    faults = grown(living, "while one kernel lived") + grown(restarted, "while kernels were restarted")
    if left > 1:
        faults.append(f"{left:.1f} MB are left in the temporary folder")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/u2ad")
    options = parser.parse_args()
    if not options.program.exists():
        sys.exit(f"{options.program} does not exist; build it first: cargo build --release")
    if not pathlib.Path("/proc/self/status").exists():
        sys.exit("this measures processes in /proc, which this system does not have")
    with tempfile.TemporaryDirectory(prefix="u2ad-soak-") as folder:
        place = pathlib.Path(folder)
        for name in ["tmp", "home", "work", "prefix"]:
            (place / name).mkdir()
        os.environ |= {
            "HOME": str(place / "home"),
            "XDG_STATE_HOME": str(place / "home/state"),
            "XDG_DATA_HOME": str(place / "home/data"),
            "JUPYTER_PATH": str(place / "prefix/share/jupyter"),
            "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
        }
        install = [options.program, "kernel", "install", "--prefix", place / "prefix"]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
        # So little that snapshots reach their bound at once.
        path = place / "prefix/share/jupyter/kernels/u2ad/kernel.json"
        kernelspec = json.loads(path.read_text())
        kernelspec["argv"] += ["--snapshots", "5"]
        path.write_text(json.dumps(kernelspec))
        # Of the kernels alone: this program keeps its files elsewhere.
        os.environ["TMPDIR"] = str(place / "tmp")
        faults = soak(place, options.minutes)
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)
    print("nothing grew")


if __name__ == "__main__":
    main()
