"""A fuzz run over readers, cleaning, metadata and chunker, in worker processes: no crash, no hang, no broken promise.

    python -m benchmarks.soak_fuzz --inputs 20000 --seed 1

An input either reads, and then keeps what the rest of the program counts on, or is refused with a ReadError that
names the file. What does neither is saved, with why, under benchmarks/out/fuzz.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path

from benchmarks._fuzz_inputs import make
from ingest import chunking
from ingest.pool import Pool
from ingest.worker import Job, Parsed
from ingest.worker import parse as real_parse
from vectorstore.embedding import token_counter
from vectorstore.errors import ReadError
from vectorstore.records import Document, Metadata
from vectorstore.settings import Settings

OUT = Path(__file__).resolve().parent / "out" / "fuzz"
SLOW_S = 4.0  # processor seconds for one input of at most 48 KB; more counts as a hang
_AGAIN = 4  # every fourth input is read twice
_BATCH = 40
_BATCH_S = 300.0
_SETTINGS = Settings(knowledge="")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one input; ``broken`` says which promise was not kept, "" where none was."""

    number: int
    kind: str
    read: bool
    seconds: float
    broken: str = ""


def _strings(metadata: Metadata) -> Iterator[str]:
    for field in fields(Metadata):
        value = getattr(metadata, field.name)
        if isinstance(value, str):
            yield value
    yield from metadata.authors
    for key, value in metadata.extra.items():
        yield from (key, value)


def _steers(text: str) -> bool:
    return any(unicodedata.category(c) == "Cc" and c not in "\t\n\f" for c in text)


def _check_document(document: Document) -> Iterator[str]:
    """Yield what is wrong with a document by itself."""
    length = len(document.text)
    for text in (document.text, *_strings(document.metadata), *document.warnings):
        try:
            text.encode()
        except UnicodeEncodeError:
            yield f"text that cannot be written: {text[:60]!r}"
        if _steers(text):
            yield f"control characters in {text[:60]!r}"
    for part in (document.pages, document.sections, document.regions):
        for stretch in part:
            if not 0 <= stretch.start <= stretch.end <= length:
                yield f"{stretch} lies outside a text of {length}"
    for before, after in zip(document.regions, document.regions[1:], strict=False):
        if before.end > after.start:
            yield f"{before} and {after} overlap"
    if document.pages and (document.pages[0].start, document.pages[-1].end) != (0, length):
        yield "the pages do not cover the text"
    for before_page, after_page in zip(document.pages, document.pages[1:], strict=False):
        if after_page.start < before_page.end or after_page.number != before_page.number + 1:
            yield f"{before_page} is followed by {after_page}"
    for origin in document.metadata.origins:
        if origin.start is not None and not 0 <= origin.start <= (origin.end or 0) <= length:
            yield f"{origin} lies outside the text"


def _check_chunks(parsed: Parsed) -> Iterator[str]:
    document, at = parsed.document, 0
    for chunk in parsed.chunks:
        if document.text[chunk.start : chunk.end] != chunk.text or not chunk.text.strip():
            yield f"the chunk {chunk.start}..{chunk.end} is not its text"
        if chunk.start < at or document.text[at : chunk.start].strip():
            yield f"text before {chunk.start} is in two chunks or in none"
        at = chunk.end
    if document.text[at:].strip():
        yield f"the text from {at} on is in no chunk"
    for chunk, count in zip(parsed.chunks, token_counter(_SETTINGS)([c.text for c in parsed.chunks]), strict=True):
        if count > chunking.MAX_TOKENS and len(chunk.text) > 1:
            yield f"the chunk {chunk.start}..{chunk.end} has {count} tokens"


def _outcome(name: str, data: bytes) -> Parsed | str:
    job = Job(f"/fuzz/{name}", name, "default", None, data)
    try:
        return real_parse(job, _SETTINGS)
    except ReadError as error:
        return str(error)


def broken_promise(name: str, data: bytes, *, again: bool = True) -> tuple[bool, str]:
    """Return (whether the input reads, the first promise that is broken or ""); ``again`` reads it twice, to the same end."""
    try:
        first = _outcome(name, data)
        second = _outcome(name, data) if again else first
    except Exception:  # noqa: BLE001 - whatever it is: that it came is the finding
        return False, "raised " + traceback.format_exc(limit=-3)
    if first != second:
        return not isinstance(first, str), "the same bytes gave two results"
    if isinstance(first, str):
        if name not in first:
            return False, f"the message does not name the file: {first[:200]}"
        return False, f"control characters in the message {first[:200]!r}" if _steers(first) or len(
            first
        ) > 1000 else ""
    return True, next(chain(_check_document(first.document), _check_chunks(first)), "")


def examine(seed: int, numbers: Sequence[int]) -> list[Verdict]:
    """Return the verdicts on these inputs. Runs in a worker process."""
    verdicts = []
    for number in numbers:
        kind, name, data = make(seed, number)
        begun = time.process_time()
        read, broken = broken_promise(name, data, again=number % _AGAIN == 0)
        seconds = time.process_time() - begun
        if not broken and seconds > SLOW_S:
            broken = f"slow: {seconds:.1f} s"
        verdicts.append(Verdict(number, kind, read, seconds, broken))
    return verdicts


def _examined(pool: Pool, reference: str, seed: int, numbers: Sequence[int]) -> list[Verdict]:
    """Return the verdicts on a batch; where its process died or hung, one by one, to find the input at fault."""
    try:
        found: list[Verdict] = pool.worker().call(reference, seed, numbers, seconds=_BATCH_S, what="a batch")
    except ReadError as error:
        if len(numbers) == 1:
            return [Verdict(numbers[0], make(seed, numbers[0])[0], False, 0.0, f"died: {error}")]
        return [verdict for number in numbers for verdict in _examined(pool, reference, seed, [number])]
    return found


def _save(seed: int, verdict: Verdict) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    _, name, data = make(seed, verdict.number)
    file = OUT / f"{seed}-{verdict.number}-{name}"
    file.write_bytes(data)
    file.with_name(file.name + ".why").write_text(verdict.broken, encoding="utf-8", errors="backslashreplace")


def run(
    seconds: float, seed: int, inputs: int = 20_000, *, examiner: str = "benchmarks.soak_fuzz:examine"
) -> dict[str, float]:
    """Examine ``inputs`` inputs of the run ``seed``, or as many as ``seconds`` allow; return the counts.

    ``crashes`` took their process with them or raised what is no ReadError, ``hangs`` took too long, ``broken`` read
    with a wrong result; ``slowest_s`` is in processor seconds. ``examiner`` names what a worker runs.
    """
    begun = time.monotonic()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pool = Pool(cores)
    batches = iter([range(at, min(inputs, at + _BATCH)) for at in range(0, inputs, _BATCH)])
    verdicts: list[Verdict] = []
    waiting: set[Future[list[Verdict]]] = set()
    try:
        while True:
            while len(waiting) < cores and time.monotonic() - begun < seconds and (batch := next(batches, None)):
                waiting.add(pool.submit(_examined, pool, examiner, seed, list(batch)))
            if not waiting:
                break
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for verdict in (v for future in done for v in future.result()):
                verdicts.append(verdict)
                if verdict.broken:
                    _save(seed, verdict)
    finally:
        pool.close()
    found = [verdict for verdict in verdicts if verdict.broken]
    hung = sum("longer than" in v.broken or v.broken.startswith("slow") for v in found)
    crashed = sum(v.broken.startswith(("died", "raised")) and "longer than" not in v.broken for v in found)
    kinds = Counter(verdict.kind for verdict in verdicts)
    return {
        "inputs": float(len(verdicts)),
        "read": float(sum(v.read for v in verdicts)),
        "refused": float(sum(not v.read and not v.broken for v in verdicts)),
        "crashes": float(crashed),
        "hangs": float(hung),
        "broken": float(len(found) - crashed - hung),
        "slowest_s": max((v.seconds for v in verdicts), default=0.0),
        "seconds": time.monotonic() - begun,
        **{f"inputs_{kind}": float(count) for kind, count in sorted(kinds.items())},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the readers and the chunker.")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9)
    options = parser.parse_args()
    figures = run(options.seconds, options.seed, options.inputs)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=1))
    return 1 if figures["crashes"] or figures["hangs"] or figures["broken"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
