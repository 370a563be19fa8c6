#!/usr/bin/env python3
"""Times what a user of the shell waits for, on a terminal of its own.

    scripts/shell-latency.py start [IPYTHON]    time to the prompt, beside Python (and IPython)
    scripts/shell-latency.py interrupt          time from Ctrl-C to the prompt, paper preset

Needs a release build. Medians of 20 starts, one after the other in turn; of 8 interrupts at
different moments of a batch.
"""

import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time

SHELL = os.path.join(os.path.dirname(__file__), "..", "target", "release", "u2ad")


class Terminal:
    """A program on a pseudo-terminal of 80 columns."""

    def __init__(self, arguments, home):
        self.seen = b""
        self.start = time.perf_counter()
        self.child, self.fd = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm-256color", HOME=home, COLUMNS="80", LINES="24")
            os.chdir(home)
            os.execvp(arguments[0], arguments)

    def until(self, what, patience=600):
        """Waits for bytes behind those waited for before; gives the seconds since the start."""
        deadline = time.perf_counter() + patience
        while what not in self.seen:
            if not select.select([self.fd], [], [], max(0, deadline - time.perf_counter()))[0]:
                sys.exit(f"never came: {what!r}; last: {self.seen[-300:]!r}")
            self.seen += os.read(self.fd, 65536)
        self.seen = self.seen.split(what, 1)[1]
        return time.perf_counter() - self.start

    def press(self, keys):
        os.write(self.fd, keys)

    def end(self):
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)
        os.close(self.fd)


def starts(ipython):
    programs = {"u2ad": ([SHELL], b"u2ad> "), "python3 -c pass": ([sys.executable, "-c", "pass"], None)}
    if ipython:
        programs["ipython"] = ([ipython, "--no-banner"], b"In [")
    times = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(21):
            for name, (arguments, prompt) in programs.items():
                if prompt is None:
                    start = time.perf_counter()
                    subprocess.run(arguments, check=True)
                    times[name].append(time.perf_counter() - start)
                    continue
                terminal = Terminal(arguments, home)
                times[name].append(terminal.until(prompt))
                terminal.end()
    for name, all_times in times.items():
        counted = [1e3 * seconds for seconds in all_times[1:]]  # The first one warms the disk.
        print(f"{name}: median {statistics.median(counted):.1f} ms, "
              f"{min(counted):.1f} to {max(counted):.1f}")


def interrupts():
    with tempfile.TemporaryDirectory() as home:
        terminal = Terminal([SHELL, "--images", "none"], home)
        terminal.until(b"u2ad> ")
        for line in (b"people = phantom_cohort(subjects = 4, pixel_spacing_mm = 1.5)",
                     b"model = u2ad(preset = \"paper\")",
                     b"print(len([len(subject) for subject in people]), \"ready\")"):
            terminal.press(line + b"\r")
        terminal.until(b"4 ready")
        times = []
        for number in range(8):
            terminal.press(b"train_epoch(model, people)\r")
            terminal.until(b"pretrain epoch")
            time.sleep(1 + 0.7 * number)
            start = time.perf_counter()
            terminal.press(b"\x03")
            terminal.until(b"interrupted")
            terminal.until(b"u2ad> ")
            times.append(time.perf_counter() - start)
        terminal.end()
    print(f"Ctrl-C to prompt: median {statistics.median(times):.2f} s, longest {max(times):.2f} s")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["start", *rest]:
            starts(rest[0] if rest else None)
        case ["interrupt"]:
            interrupts()
        case _:
            sys.exit(__doc__)
