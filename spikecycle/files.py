"""Files of others, and files that others have put in the way: bounded reading of regular files, and writing that is
complete or not there at all.

Whatever is refused is an OSError with its reason in `strerror`, as the operating system's own refusals are, so that
who reads or writes puts both in the same words.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

TEMPORARY = ".spikecycle-*.tmp"
"""Pattern of the names of files that are being written."""

_PIECE_BYTES = 2**20
_WRITE_BITS = 0o222
_PERMISSIONS = 0o777


class RefusedFile(OSError):
    """A file that is not read, or not replaced, because of what it is."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(errno.EINVAL, reason, os.fspath(path))


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Whether a regular file is there, perhaps through links; whatever hinders the question is a no."""
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def odd_member(folder: str | os.PathLike[str]) -> tuple[Path, str] | None:
    """The first below a folder that is neither a file nor a folder, and what it is: a link leads elsewhere.

    The folder itself may be reached by a link.
    """
    for place, folders, names in os.walk(folder):
        for name in sorted([*folders, *names]):
            path = Path(place) / name
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:  # of another run, which took it away
                continue
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                return path, "a symbolic link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
    return None


def open_regular(path: str | os.PathLike[str], follow_links: bool = True) -> BufferedReader:
    """Open a file for reading; OSError on what is not a regular file, without waiting for the writer of a pipe."""
    kind = _kind(path, follow_links)  # a device may do something when it is opened
    if kind is not None:
        raise RefusedFile(path, kind)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # it was replaced meanwhile
        os.close(descriptor)
        raise RefusedFile(path, "is not a regular file")
    return os.fdopen(descriptor, "rb")


def read_bytes(path: str | os.PathLike[str], at_most_bytes: int, follow_links: bool = True) -> bytes:
    """The content of a regular file of at most so many bytes; OSError on any other."""
    content = bytearray()
    with open_regular(path, follow_links) as file:
        # Piece by piece: asked for as many bytes as are allowed, Python takes memory for all of them at once.
        while piece := file.read(min(_PIECE_BYTES, at_most_bytes + 1 - len(content))):
            content += piece
    if len(content) > at_most_bytes:
        raise RefusedFile(path, f"is larger than {at_most_bytes:,} bytes")
    return bytes(content)


def read_text(path: str | os.PathLike[str], at_most_bytes: int, follow_links: bool = True) -> str:
    """The text of a regular file of at most so many bytes; OSError on any other, UnicodeDecodeError if not UTF-8."""
    return read_bytes(path, at_most_bytes, follow_links).decode("utf-8")


def beside(path: str | os.PathLike[str]) -> Path:
    """A name in the folder of `path` that nothing else has."""
    return Path(path).parent / TEMPORARY.replace("*", secrets.token_hex(8))


def check_replaceable(path: str | os.PathLike[str]) -> None:
    """OSError unless `path` is free, or a regular file that may be written: no link, pipe, device or folder."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise RefusedFile(path, "is a symbolic link, and nothing is written through one; name the file itself")
    if stat.S_ISDIR(mode):
        raise RefusedFile(path, "is a directory")
    if not stat.S_ISREG(mode):
        raise RefusedFile(path, "is not a regular file")
    if not mode & _WRITE_BITS or not os.access(path, os.W_OK):
        raise RefusedFile(path, "is read-only")


def put_in_place(temporary: Path, path: str | os.PathLike[str]) -> None:
    """Give a complete file the name, and the owner and permissions, of the one that it replaces."""
    check_replaceable(path)
    with suppress(FileNotFoundError):
        before, now = os.lstat(path), os.lstat(temporary)
        if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
            with suppress(PermissionError):
                os.chown(temporary, before.st_uid, before.st_gid)
        temporary.chmod(before.st_mode & _PERMISSIONS)
    temporary.replace(path)


def write_file(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file beside its place, bring it to the disk, and rename it; on failure nothing stays behind.

    Text is written as UTF-8. Permissions stay those of the file that is replaced. OSError where `check_replaceable`
    has one, or where the file cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    check_replaceable(path)
    temporary = beside(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _first_permissions(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def is_shipped(path: str | os.PathLike[str]) -> bool:
    """Whether it is a file of this package itself: a sample trace, a machine, a table, a module."""
    if not is_regular(path):
        return False
    package = Path(__file__).parent
    # In a checkout the folders of the package are links.
    folders = [package.resolve(), *(child.resolve() for child in package.iterdir() if child.is_symlink())]
    return any(Path(path).resolve().is_relative_to(folder) for folder in folders)


def _first_permissions(path: str | os.PathLike[str]) -> int:
    """Those of a new file, or no more than those of the file that will be replaced: nobody may look in meanwhile."""
    try:
        return os.lstat(path).st_mode & 0o666
    except FileNotFoundError:
        return 0o666  # less what the umask takes away


def _kind(path: str | os.PathLike[str], follow_links: bool) -> str | None:
    """Why it cannot be read, from what it is."""
    mode = (os.stat if follow_links else os.lstat)(path).st_mode
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISLNK(mode):
        return "is a symbolic link"
    return "is a directory" if stat.S_ISDIR(mode) else "is not a regular file"
