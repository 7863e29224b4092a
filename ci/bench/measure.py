"""Runs programs and tells what they took; medians of what several runs took."""

import os
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


class Failed(Exception):
    """A program that was to be measured failed, so there is no figure."""


@dataclass(frozen=True)
class Run:
    """What one run of a program took. CPU is user and system time of the
    process and all its children; peak is the largest resident set of one of
    them. Linux counts in it what the parent held at the fork, this script: a
    peak below some 20 MB says nothing."""

    wall: float
    cpu: float
    peak: float = 0.0
    stdout: str = ""
    stderr: str = ""


def run(command, **options):
    """Runs a program to its end, its output kept in files."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, **options)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        taken = Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, stdout.read(), stderr.read())
    if process.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit code {process.returncode}\n{taken.stderr[-2000:]}")
    return taken


def run_all(commands):
    """Runs many programs, as many at a time as there are processors; what they
    took together."""
    start = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        runs = list(threads.map(run, commands))
    wall = time.perf_counter() - start
    return Run(wall, sum(each.cpu for each in runs), max(each.peak for each in runs))


@dataclass(frozen=True)
class Spread:
    """Median, least and most of one figure."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values):
        values = list(values)
        return cls(statistics.median(values), min(values), max(values))

    def text(self, factor=1.0, digits=2):
        return f"{self.median * factor:.{digits}f} ({self.least * factor:.{digits}f}–{self.most * factor:.{digits}f})"


def ratios(runs, others, figure):
    """The ratio of a figure, round by round: both sides of one ratio ran
    seconds apart, so what else the machine does hits both."""
    return Spread.of(getattr(one, figure) / getattr(other, figure) for one, other in zip(runs, others, strict=True))


def table(header, rows):
    """Prints columns: the first to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(len(str(line[column])) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = [str(line[0]).ljust(widths[0])]
        cells += [str(cell).rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip())
