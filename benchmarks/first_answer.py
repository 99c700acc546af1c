"""How long a newcomer waits: a clean clone of the last commit, `make chat`, the first answer in the page.

Needs what `make chat` needs (a package index or pip's own configuration for one). Prints the seconds of each
step; ``make bench-first-answer`` runs it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
QUESTION = "How many analysts follow the average small cap?"


def main() -> None:
    """Clone, make chat, ask; stop what was started."""
    from gradio_client import Client

    from benchmarks.report import write

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        clone = Path(folder) / "thesis"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("THESIS_", "VIRTUAL_ENV"))}
        environment |= {"THESIS_PORT": "17860", "THESIS_CACHE": str(Path(folder) / "cache")}
        begun = time.monotonic()
        with subprocess.Popen(
            ["make", "chat"], cwd=clone, env=environment, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                address = ""
                assert server.stdout is not None
                for line in server.stdout:
                    print(line, end="")
                    found = re.search(r"http://\S+", line)
                    if found and "ready" in line:
                        address = found.group()
                        break
                if not address:
                    sys.exit("make chat ended before it was ready")
                ready = time.monotonic() - begun
                client, answer = Client(address, verbose=False), ""
                while "5.7" not in answer and time.monotonic() < begun + ready + 60:  # the notes go in meanwhile
                    answer = str(client.predict(QUESTION, [], [], "", "", "", api_name="/ask"))
                first = time.monotonic() - begun
                assert "5.7" in answer, answer
            finally:
                server.terminate()
    print(f"ready after {ready:.0f} s, first answer after {first:.0f} s")
    write("first_answer", {"ready_s": round(ready, 1), "first_answer_s": round(first, 1)}, corpus="knowledge")


if __name__ == "__main__":
    main()
