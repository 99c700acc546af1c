"""One document that is in: said to be something else, or read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest import overrides, pipeline, remote
from ingest._turns import Turns
from ingest.amending import Amended, again, checked, differing
from ingest.fetch import normalize_url
from ingest.progress import IngestReport
from ingest.sources import identity, is_url, shown, under
from vectorstore.errors import NotFound, ReadError, ThesisError
from vectorstore.records import SourceInfo
from vectorstore.settings import Settings

_SHORTEST_PREFIX = 6


class OneDocument(Turns):
    """The part of an Ingestor that changes one document by its name."""

    settings: Settings

    def amendable(self, fields: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return the fields as ``amend`` takes them, under their own names. Raises SettingsError that names a field."""
        return checked(fields)

    def amend(
        self,
        name: str,
        fields: Mapping[str, str | None],
        *,
        progress: pipeline.ProgressCallback | None = None,
        folder: Path | None = None,
        embed: bool = True,
    ) -> Amended:
        """Say of a document that is in what it is: fields of Metadata or their aliases, which win over what was read in it.

        They stay said when it is read again. "": there is none; None: what was said is taken back, and the document, which is read
        again for it, speaks for itself. Filters and dates follow at once, as do words; vectors at the end, or behind (``embed``
        False). ``name`` as for ``remove``, of one document. Raises SettingsError that names a field, NotFound, ReadError.
        """
        values = checked(fields)
        info = self._one(name, folder)
        if not info.version:
            raise ReadError(
                f"{Path(info.path).name} is not in yet, so that there is nothing to describe.",
                "Mend what it failed at and read it again.",
            )
        said = overrides.said(info.metadata)
        unsaid = [field for field, value in values.items() if value is None and field in said]
        given = {field: value for field, value in values.items() if value is not None}
        if unsaid:
            report = self._again(info, progress, embed=embed, unsaid=unsaid)
            if report.failed:
                raise ReadError(report.failed[0].error, "What is in stays as it was.")
        if given:
            self.store.amend(info.document_id, lambda metadata: overrides.apply(metadata, given))
        if not embed:
            self.embed_behind()
        elif self.store.waiting():
            with self._wanted(), self._writing:
                pipeline.ingest_items(self.store, [], settings=self.settings, progress=progress)
        now = self.store.info(info.document_id)
        return Amended(info.document_id, () if now is None else differing(info.metadata, now.metadata))

    def reingest(
        self,
        name: str,
        progress: pipeline.ProgressCallback | None = None,
        *,
        folder: Path | None = None,
        embed: bool = True,
    ) -> IngestReport:
        """Read one document again: from its address, its file, or the copy that is kept of a PDF.

        What the user said of it stays. The same again changes nothing; the report tells. ``name`` as for ``amend``.
        Raises NotFound, ReadError where there is nothing to read.
        """
        return self._again(self._one(name, folder), progress, embed=embed)

    def _again(
        self,
        info: SourceInfo,
        progress: pipeline.ProgressCallback | None,
        *,
        embed: bool,
        unsaid: Sequence[str] = (),
    ) -> IngestReport:
        item = again(info, self.store.original_file(info.version))
        with self._my_turn(progress, 1):
            return pipeline.ingest_items(
                self.store,
                [item],
                settings=self.settings,
                collection=info.collection,
                progress=progress,
                embed=embed,
                again=True,
                unsaid=unsaid,
                each=True,
            )

    def readable_again(self, info: SourceInfo) -> str:
        """Return why a document cannot be read again; "" where it can, as far as can be seen without reading."""
        try:
            again(info, self.store.original_file(info.version))
        except ReadError as error:
            return str(error)
        return ""

    def _one(self, name: str, folder: Path | None) -> SourceInfo:
        infos = self.store.sources()
        found = named(name, infos, folder or Path.cwd())
        if len(found) > 1:
            raise NotFound(f"{shown(name)} stands for {len(found)} documents.", "Name one, by its id for example.")
        return next(info for info in infos if info.document_id == found[0])


def named(name: str, infos: Sequence[SourceInfo], folder: Path) -> list[str]:
    """Return the ids that a name stands for: an id, its unique start, a path or URL, or a folder. Raises NotFound."""
    exact = [info.document_id for info in infos if info.document_id == name or info.path == name]
    if exact:
        return exact
    if len(name) >= _SHORTEST_PREFIX:
        starting = [info.document_id for info in infos if info.document_id.startswith(name.lower())]
        if len(starting) == 1:
            return starting
        if starting:
            raise NotFound(f"{name} is the start of {len(starting)} document ids.", "Give more of the id.")
    try:
        if remote.is_remote(name):
            place = remote.normalize(name)
        else:
            place = normalize_url(name) if is_url(name) else identity(folder / Path(name).expanduser())
    except (ThesisError, OSError, ValueError, RuntimeError):
        place = name
    at = [info.document_id for info in infos if info.path == place]
    files = [info for info in infos if remote.is_remote(info.path) or not is_url(info.path)]
    below = at or [info.document_id for info in files if name and under(info.path, place)]
    if not below:
        raise NotFound(f"No document {shown(name)} is in the base.", "See what is in it: thesis sources")
    return below
