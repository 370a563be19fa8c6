#!/usr/bin/env python3
"""Times kernels in turn on this machine: start to ready, first cell, round trip of `1 + 1`.

    python scripts/kernel-times.py [ROUNDS] [KERNEL ...]

Needs jupyter_client and the kernels installed; without names, u2ad and python3.
"""

import statistics
import sys
import time
from queue import Empty

from jupyter_client.manager import KernelManager

CELL = "1 + 1"
TRIPS = 200


def cell(client):
    """Seconds until both the reply and the end of the outputs of a cell were read."""
    begin = time.perf_counter()
    request = client.execute(CELL)
    client.get_shell_msg(timeout=60)
    while True:
        message = client.get_iopub_msg(timeout=60)
        if (
            message["parent_header"].get("msg_id") == request
            and message["content"].get("execution_state") == "idle"
        ):
            return time.perf_counter() - begin


def once(name):
    begin = time.perf_counter()
    manager = KernelManager(kernel_name=name)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.kernel_info()
        client.get_shell_msg(timeout=60)
        ready = time.perf_counter() - begin
        # A subscription to the outputs may take effect later than the first reply comes.
        try:
            while True:
                client.get_iopub_msg(timeout=0.3)
        except Empty:
            pass
        first = cell(client)
        trips = [cell(client) for _ in range(TRIPS)]
        return ready, first, statistics.median(trips)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    names = sys.argv[2:] or ["u2ad", "python3"]
    times = {name: [] for name in names}
    for name in names:
        once(name)
    for _ in range(rounds):
        for name in names:
            times[name].append(once(name))
    for name, taken in times.items():
        ready, first, trip = (statistics.median(column) * 1000 for column in zip(*taken))
        print(
            f"{name}: ready {ready:.0f} ms, first cell {first:.1f} ms, "
            f"{CELL} {trip:.2f} ms (medians of {rounds}; the last of {TRIPS} trips each)"
        )


if __name__ == "__main__":
    main()
