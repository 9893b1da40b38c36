"""Puts the figures of one part, from standard input, between its marks in docs/models-benchmarks.md, with the day and the machine.

What stands around the marks is written by hand. Where nothing comes in, because the data is absent, the page stays as it is.
"""

import datetime
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/models-benchmarks.md"
PEERS = ("scikit-learn", "lightgbm", "numpy")


def processor():
    names = [line.split(": ", 1)[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def measured_on():
    rustc = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.split()
    peers = ", ".join(f"{name} {version(name)}" for name in PEERS)
    return f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, {' '.join(rustc[:2])}, {peers}."


def main(part):
    figures = sys.stdin.read().strip()
    if not figures:
        print(f"{part}: nothing was measured, so the page keeps what it has", file=sys.stderr)
        return
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    text = PAGE.read_text()
    if text.count(begin) != 1 or text.count(end) != 1:
        sys.exit(f"{PAGE}: write `{begin}` and `{end}` once each where the figures of `{part}` belong")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    PAGE.write_text(f"{before}{begin}\n{measured_on()}\n\n{figures}\n{end}{after}")
    print(f"{part}: written", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
