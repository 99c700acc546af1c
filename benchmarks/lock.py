"""Write requirements.lock, requirements-test.lock and requirements-bench.lock: every version pinned, for all systems at once.

torch stands without hash or local version, and what its CUDA build drags in is left to that build: the CPU and
CUDA builds share the version.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

TORCH = "torch==2.13.0"
CUDA = re.compile(r"^(?:nvidia-|cuda-|triton)")


def resolve(requirements: list[str], constraints: list[str]) -> list[str]:
    """Return the pinned lines for ``requirements``."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--universal",
        "--python-version",
        "3.11",
        "--no-header",
        "--no-annotate",
        "-",
    ]
    held = Path("build-constraints.txt")
    held.write_text("\n".join(constraints) + "\n", encoding="utf-8")
    try:
        done = subprocess.run(
            [*command, "--constraint", str(held)],
            input="\n".join(requirements),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        held.unlink()
    if done.returncode:
        sys.exit(done.stderr)
    lines = []
    for line in done.stdout.splitlines():
        name = line.strip()
        if not name or CUDA.match(name):
            continue
        pinned = TORCH if name.startswith("torch==") else name
        if pinned not in lines:
            lines.append(pinned)
    return lines


def main() -> None:
    """Resolve the locks from pyproject.toml and write them."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    app = resolve([*project["project"]["dependencies"], "setuptools"], [])
    groups = project["dependency-groups"]
    test = resolve([*groups["test"], *app], [])
    bench = resolve([*groups["bench"], *app], [])
    Path("requirements.lock").write_text(
        "# Made by `make lock`. All versions pinned; see README for how to choose torch's CPU build.\n"
        + "\n".join(app)
        + "\n",
        encoding="utf-8",
    )
    for name, lines in (("test", test), ("bench", bench)):
        beside = "`make test`" if name == "test" else "`make bench-retrieval`"
        Path(f"requirements-{name}.lock").write_text(
            f"# Made by `make lock`: what {beside} needs beside requirements.lock.\n"
            + "\n".join(line for line in lines if line not in app)
            + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
