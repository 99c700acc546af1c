"""What is no longer needed: old versions past their time, originals and vectors that nothing refers to.

Every version that was ever in stays readable, so every version that an answer may have cited does; no list of citations is
kept. Only a setting of the user (``retention_days``) ends that: then the text goes, and what the version was is still told.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vectorstore import _rows
from vectorstore.ledger import Ledger
from vectorstore.records import sha256

log = logging.getLogger(__name__)

_ORIGINAL = re.compile(r"([0-9a-f]{64})\.pdf")
_COMPACT_FROM = 0.25  # of the ledger's pages unused: the file is made smaller


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was forgotten; ``bytes`` is how much smaller the store is."""

    versions: int
    originals: int
    vectors: int
    bytes: int

    def to_json(self) -> dict[str, int]:
        return asdict(self)


def prune(ledger: Ledger, originals: Path, embedder: str, retention_days: int, now: datetime | None = None) -> Pruned:
    """Forget versions that have not been current for ``retention_days`` (0: none) and all that nothing refers to.

    The caller lets nothing be written meanwhile.
    """
    before = ledger.size()
    versions = _versions(ledger, (now or datetime.now(UTC)) - timedelta(days=retention_days)) if retention_days else 0
    vectors = ledger.count_vectors()
    ledger.drop_unused_vectors(embedder)
    vectors -= ledger.count_vectors()
    ledger.compact(_COMPACT_FROM)
    freed = before - ledger.size()
    with ledger.snapshot() as connection:
        wanted = {row[0] for row in connection.execute("SELECT version FROM versions WHERE pruned_at IS NULL")}
    count = ledger.drop_unused_originals() if ledger.shared else 0
    for path in sorted(originals.iterdir()) if originals.is_dir() else ():
        match = _ORIGINAL.fullmatch(path.name)
        if match is None or match[1] in wanted:
            continue
        try:
            size = path.stat().st_size
            path.unlink()
        except OSError as error:
            log.warning("%s cannot be deleted: %s.", path, error)
        else:
            count += 1
            freed += size
    return Pruned(versions, count, vectors, max(0, freed))


def _versions(ledger: Ledger, before: datetime) -> int:
    """Take the text out of the versions that were replaced, or removed, before ``before``."""
    limit = before.isoformat(timespec="seconds")
    with ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT v.document_id, v.version, v.structure FROM versions v "
            "JOIN documents d ON d.document_id = v.document_id "
            "WHERE v.pruned_at IS NULL AND v.replaced_at < ? AND (d.version IS NULL OR v.version != d.version)",
            (limit,),
        ).fetchall()
        for document_id, version, structure in rows:
            data = json.loads(structure)
            connection.execute(
                "UPDATE versions SET text = ?, text_sha = ?, structure = ?, pruned_at = ? "
                "WHERE document_id = ? AND version = ?",
                (
                    b"",
                    sha256(b""),
                    json.dumps(data | {"pages": [], "sections": [], "regions": [], "warnings": []}),
                    _rows.now(),
                    document_id,
                    version,
                ),
            )
    return len(rows)
