"""The folders of compiled kernels, one for every version of the sources: whose they are, and which nobody uses now.

Each edit of the sources makes a folder of some megabytes, and the ones before it are of no use to the present version.
Processes of other versions may be at work with theirs. So a folder says by its time of modification when a process last
took it; what was taken lately stays, and so do the few that were taken last. Of the others the longest unused go, when
a folder is made: whoever makes one is about to compile for seconds, and no other command waits for it. A process whose
folder goes nevertheless compiles what it lacks, and makes the folder again.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

MOST_KEPT = 10
"""Folders that stay, the present one among them, unless they are old. A folder takes some megabytes."""
SPARED_S = 6 * 3600
"""A folder that a process took within this time stays, however many there are: the process may still run."""
OLD_S = 30 * 24 * 3600
"""A folder that no process took within this time goes, however few there are."""
MOST_REMOVED = 32
"""Folders removed at once, in tenths of a second; more wait for the next time."""
_NAME = re.compile(r"kernels-[0-9a-f]{16}")
_REMOVED = ".removed"
_OTHERS_WRITE = 0o022


def kernel_folder(root: Path, digest: str) -> Path:
    """The folder in `root` for sources with this digest (hexadecimal); OSError, whose filename is that folder, where it
    cannot be the user's own.

    It is noted as used. If it is missing it is made, and folders that nobody uses are removed.
    """
    folder = root / f"kernels-{digest[:16]}"
    is_new = not os.path.lexists(folder)
    try:
        _make_own(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
    try:
        os.utime(folder, follow_symlinks=False)
        if is_new:
            _remove_unused(folder)
    except OSError:  # a disk that cannot be written: others may have use for it as it is
        pass
    return folder


def _make_own(folder: Path) -> None:
    """Make a folder that only this user may write to; OSError where that is not what is there then."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to somebody else")
    if found.st_mode & _OTHERS_WRITE:
        folder.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS_WRITE)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, "it cannot be written")


def _remove_unused(present: Path) -> None:
    """Remove what is beside the present folder and of no use; only the user's own folders with names as given here.

    A folder gets another name before it is removed, so that no process finds half of one. What an interrupted removal
    left has that name, and goes too.
    """
    used_s, half_removed = _folders_beside(present)
    now_s = time.time()
    lately_used_first = sorted(used_s, key=lambda name: used_s[name], reverse=True)
    unused = [
        name
        for rank, name in enumerate(lately_used_first, start=2)  # the present one is the first
        if now_s - used_s[name] > (SPARED_S if rank > MOST_KEPT else OLD_S)
    ]
    for name in [*half_removed, *reversed(unused)][:MOST_REMOVED]:
        folder = present.with_name(name)
        if name in used_s:
            try:
                folder = folder.rename(present.with_name(name + _REMOVED))
            except OSError:  # another process was faster, or it is not ours to rename
                continue
        shutil.rmtree(folder, ignore_errors=True)  # follows no links, and refuses one in the folder's place


def _folders_beside(present: Path) -> tuple[dict[str, float], list[str]]:
    """The user's other folders of kernels: by name when they were last used, in seconds; and those half removed."""
    used_s, half_removed = {}, []
    with os.scandir(present.parent) as entries:
        for entry in entries:
            if entry.name == present.name or not _NAME.fullmatch(entry.name.removesuffix(_REMOVED)):
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:  # gone meanwhile
                continue
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                continue
            if entry.name.endswith(_REMOVED):
                half_removed.append(entry.name)
            else:
                used_s[entry.name] = found.st_mtime
    return used_s, half_removed
