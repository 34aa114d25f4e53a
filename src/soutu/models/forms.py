"""The quantised forms of models in the store: int8 and fp16, each with its report."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.errors import MissingExtra, ModelError, StorageError
from soutu.models.base import Precision
from soutu.models.record import read_json, replace_folder, write_json

if TYPE_CHECKING:
    from soutu.models.layout import ModelFiles
    from soutu.models.quantize import Method, Quality, QuantizeReport
    from soutu.types import Pixels

QUANTIZED: tuple[Precision, ...] = ("int8", "fp16")
LARGE = 20_000_000
"""Bytes of fp32 weights from which on `auto` finds int8 worth measuring."""


class QuantizedForms:
    """Keep the quantised forms of all models under `home`, by the hash of their fp32 files."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def reports(self, files: ModelFiles) -> tuple[QuantizeReport, ...]:
        """Return what was measured of a model's forms, int8 first."""
        found = (self._report(files, precision) for precision in QUANTIZED)
        return tuple(report for report in found if report is not None)

    def make(
        self,
        files: ModelFiles,
        method: Method,
        samples: Pixels | None = None,
        quality: Quality | None = None,
    ) -> QuantizeReport:
        """Make and measure a form; a rejected one never replaces another method's accepted one."""
        with locked(self._home, "quantize"):
            return self._make(files, method, samples, quality)

    def drop(self, files: ModelFiles) -> None:
        """Delete all forms of a model."""
        for precision in QUANTIZED if "fp32" in files.precisions() else ():
            shutil.rmtree(self._folder(files, precision), ignore_errors=True)

    def fp16(self, files: ModelFiles) -> ModelFiles:
        """Return the files with their fp16 form, made now where it is not there yet."""
        from soutu.models import quantize

        if self._report(files, "fp16") is None:
            with locked(self._home, "quantize"):  # another process may do it right now
                if self._report(files, "fp16") is None:
                    self._make(files, "fp16")
        return quantize.with_graphs(files, self._folder(files, "fp16"), "fp16")

    def int8_or_fp32(self, files: ModelFiles, *, forced: bool) -> tuple[ModelFiles, Precision]:
        """Settle on int8 where a measurement has accepted it, or where it is `forced`.

        A large model that was never measured is measured now. Raises MissingExtra and ModelError
        where int8 is forced and cannot be had.
        """
        from soutu.models import quantize

        report = self._report(files, "int8")
        worth = forced or quantize.size_of(files, "fp32") >= LARGE
        if report is None and worth:
            try:
                with locked(self._home, "quantize"):  # another process may do it right now
                    report = self._report(files, "int8") or self._measure(files)
            except StorageError:
                if forced:
                    raise
                # A store that cannot be written is no reason not to encode in fp32.
        if forced and report is None:
            raise MissingExtra(need="int8 for a model that ships only fp32", extra="quantize")
        if forced and report == quantize.rejected(files):
            raise ModelError(f"the graphs in {files.folder} cannot be quantised. Use fp32")
        if report is None or not (report.accepted or forced):
            return files, "fp32"
        if report.origin == "shipped":
            return files, "int8"
        return quantize.with_graphs(files, self._folder(files, "int8"), "int8"), "int8"

    def _measure(self, files: ModelFiles) -> QuantizeReport | None:
        """Make int8 graphs, or take those that are here; None where there is neither."""
        from soutu.models import quantize

        shipped = "int8" in files.precisions()
        if quantize.available():
            try:
                return self._make(files, "dynamic")
            except ModelError:
                report = quantize.rejected(files)  # remembered, so that it is not tried again
        elif not shipped:
            return None
        if shipped:
            report = quantize.measure(files, origin="shipped")
        write_json(self._folder(files, "int8") / "report.json", asdict(report))
        return report

    def _make(
        self,
        files: ModelFiles,
        method: Method,
        samples: Pixels | None = None,
        quality: Quality | None = None,
    ) -> QuantizeReport:
        from soutu.models import quantize

        precision = quantize.PRECISION[method]
        before = self._report(files, precision)

        def fill(fresh: Path) -> QuantizeReport:
            report = quantize.make(files, fresh, method=method, samples=samples, quality=quality)
            if before and before.accepted and before.method != method and not report.accepted:
                raise _Worse(report)
            write_json(fresh / "report.json", asdict(report))
            return report

        try:
            return replace_folder(self._folder(files, precision), fill)
        except _Worse as worse:
            return worse.report

    def _folder(self, files: ModelFiles, precision: Precision) -> Path:
        from soutu.models.revision import revision_of

        revision = revision_of(files, "fp32", self._home / "hashes.json")
        return self._home / "quantized" / f"{revision}-{precision}"

    def _report(self, files: ModelFiles, precision: Precision) -> QuantizeReport | None:
        from soutu.models.quantize import QuantizeReport

        path = self._folder(files, precision) / "report.json"
        try:
            return QuantizeReport(**read_json(path)) if path.is_file() else None
        except (ModelError, TypeError):
            return None  # measured again


class _Worse(Exception):
    """Leave the form that is there: the new one was rejected."""

    def __init__(self, report: QuantizeReport) -> None:
        self.report = report


def locked(home: Path, work: str) -> AbstractContextManager[object]:
    """Keep two processes from writing the same files. Raises StorageError."""
    from filelock import FileLock

    try:
        home.mkdir(parents=True, exist_ok=True)
        return FileLock(home / f".{work}.lock").acquire()
    except OSError as error:
        raise StorageError(f"{home} cannot be written: {error}") from error
