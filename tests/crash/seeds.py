"""Where explorations start: a kept corpus, and as many seeds derived from the commit.

A seed that found something stays: add its line to corpus.txt, and name a test after it.
"""

import hashlib
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).with_name("corpus.txt")


def kept() -> list[str]:
    """The kept seeds."""
    lines = (line.split("#")[0].strip() for line in CORPUS.read_text().splitlines())
    return [line for line in lines if line]


def commit() -> str:
    """The commit that is tested; "none" outside a repository."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        return "none"
    return done.stdout.strip() if done.returncode == 0 else "none"


def derived(number: int) -> str:
    """The seed of this number for the commit that is tested."""
    return hashlib.sha256(f"{commit()} {number}".encode()).hexdigest()[:12]
