"""Sources of recordings: a folder that the user names, or a download by tonic into it."""

from __future__ import annotations

import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from spikecycle.models.errors import ModelsError

DOWNLOAD_FAILURES = (OSError, RuntimeError, HTTPException, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error)


@dataclass(frozen=True)
class RecordingSource:
    """A data set of recordings in files.

    name: as people call it. tonic_name: tonic's class, and the folder that its download makes. layout: what has to
    be in the folder, in words. page: where to get it by hand. is_in: whether a folder has that layout.
    """

    name: str
    tonic_name: str
    layout: str
    page: str
    is_in: Callable[[Path], bool]

    def folder(self, root: Path | None, download: bool) -> Path:
        """The folder in that layout: `root`, or tonic's folder in it, where a download goes if it is asked for.

        Raises ModelsError where there is none, or where the download fails, which then leaves nothing behind.
        """
        if root is None:
            raise ModelsError(f"{self.name} needs root, the folder with {self.layout}; {self._how}")
        for folder in (root, root / self.tonic_name):
            if self.is_in(folder):
                return folder
        if not download:
            raise ModelsError(
                f"{root.absolute()}: no {self.name} here; expected {self.layout}, in it or in its folder "
                f"{self.tonic_name}; {self._how}"
            )
        return self._downloaded(root)

    @property
    def _how(self) -> str:
        return f"get it from {self.page}, or let tonic download it into root with download: true"

    def _downloaded(self, root: Path) -> Path:
        """Both parts, fetched into a folder of their own and moved to their place once they are whole."""
        is_new = not root.exists()
        try:
            root.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as unfinished:
                self._fetch(unfinished)
                fetched = Path(unfinished) / self.tonic_name
                if not self.is_in(fetched):
                    raise RuntimeError(f"what came has no {self.layout}")
                return fetched.rename(root / self.tonic_name)
        except DOWNLOAD_FAILURES as error:
            if is_new:
                with suppress(OSError):
                    root.rmdir()
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ModelsError(
                f"{root.absolute()}: {self.name} could not be downloaded ({reason}); get it from {self.page} and set "
                f"root to the folder with {self.layout}"
            ) from None

    def _fetch(self, folder: str) -> None:
        import tonic.datasets  # seconds, and only for a download

        data_set = getattr(tonic.datasets, self.tonic_name)
        with redirect_stdout(sys.stderr):  # tonic prints; standard output is for results
            for is_train in (True, False):
                data_set(folder, train=is_train)
