"""What a benchmark measures, and where: the program, memory-backed storage."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from measure import run

ROOT = Path(__file__).resolve().parents[2]


def cache():
    """The folder that programs are installed into and kept."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "logfleet")
    return Path(os.environ.get("LOGFLEET_CACHE", default))


def program():
    """The binary to measure: $GEN, or one built now."""
    if "GEN" in os.environ:
        return Path(os.environ["GEN"]).resolve()
    subprocess.run(["cargo", "build", "--release", "--locked", "--bin", "gen"], cwd=ROOT, check=True)
    return Path(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"), "release", "gen")


def working_folder(wanted):
    """A new folder in memory, if there is one with room."""
    shared = Path("/dev/shm")
    if wanted is None and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 2e9:
        wanted = shared
    return Path(tempfile.mkdtemp(prefix="logfleet-bench-", dir=wanted))


def storage(folder):
    """The type of the file system that a folder is on."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    over = [mount for mount in mounts if folder.is_relative_to(mount[0])]
    return max(over, key=lambda mount: len(mount[0]))[1]


def describe_machine(gen, folder):
    kind = storage(folder)
    in_memory = "memory-backed" if kind in ("tmpfs", "ramfs") else "NOT memory-backed: figures include a disk"
    print(f"binary    {gen} ({run([gen, '--version']).stdout.strip()})")
    print(f"machine   {os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start")
    print(f"storage   {folder} on {kind}, {in_memory}")
