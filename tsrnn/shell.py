"""The program and its environment: exit codes, error messages, full disks, closed pipes, and output files."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from .messages import shorten
from .signals import exit_on_interrupt, temporary_files

#: Longest error message; a cell of a file may have millions of characters.
MAX_LENGTH = 2000


class Program(click.Group):
    """A group of commands with exit codes: 0, 1 for an error, 2 for wrong arguments, 130 for Ctrl-C."""

    def main(  # type: ignore[override]  # its return type is Any in click, too
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **options: Any
    ) -> Any:
        """Run the program and exit; with ``standalone_mode=False`` return the result or raise the error."""
        if not options.get("standalone_mode", True):
            return super().main(args, prog_name, **options)
        with exit_on_interrupt():
            try:
                code = self._run(args, prog_name, options)
            except OSError:  # standard error cannot be written
                code = 1
            sys.exit(max(code, _flush()))

    def _run(
        self, args: Sequence[str] | None, prog_name: str | None, options: dict[str, Any]
    ) -> int:  # keyword arguments of click
        """Run the program, print errors on standard error, and return the exit code."""
        try:
            code = super().main(args, prog_name, **options | {"standalone_mode": False})
            return code if isinstance(code, int) else 0
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (KeyboardInterrupt, click.Abort):
            return 130
        except SystemExit:  # the reader of a pipe has closed it
            return 1
        except MemoryError as error:
            reason = f": {error}" if str(error) else ""
            click.echo(_shorten(f"Error: there is not enough memory{reason}"), err=True)
            return 1
        except OSError as error:
            click.echo(_shorten(f"Error: {_error_prefix(error)}{error.strerror or error}"), err=True)
            return 1


def _error_prefix(error: OSError) -> str:
    """Return the name of the file or stream of an error, for the beginning of a message."""
    *_, (innermost, _line) = traceback.walk_tb(error.__traceback__)
    if str(innermost.f_globals.get("__name__")).startswith("click."):
        return "standard output cannot be written: "
    return f"{error.filename}: " if error.filename else ""


def _flush() -> int:
    """Flush standard output and return the exit code, 1 if that fails; then the interpreter will not try again."""
    if sys.stdout is None:  # closed before the start
        return 0
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError, ValueError):  # the stream is not a file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            with suppress(OSError):
                click.echo(f"Error: standard output cannot be written: {error.strerror}", err=True)
        return 1
    return 0


def _shorten(text: str) -> str:
    """Return an error message without its middle if it is longer than `MAX_LENGTH`."""
    return shorten(text, MAX_LENGTH)


# ---------------------------------------------------------------- output files
def check_output_path(path: Path | None, option: str, suffixes: tuple[str, ...], data: Path, force: bool) -> None:
    """Check, before the work begins, that an output file can be written.

    Parameters
    ----------
    path : Path or None
        The output file; None if the option is not given.
    option : str
        Name of the option, for messages.
    suffixes : tuple of str
        Allowed suffixes of the file.
    data : Path
        The input file, which is never overwritten, also not through a link.
    force : bool
        Whether an existing file may be overwritten.

    Raises
    ------
    click.UsageError
        If the file cannot or must not be written.
    """
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise click.UsageError(f"{option} {path}: the name must end in {' or '.join(suffixes)}")
    folder = path.absolute().parent
    try:
        if not folder.is_dir():
            raise click.UsageError(f"{option} {path}: there is no folder {path.parent}")
        if path.exists():
            _check_existing(path, option, data, force)
        tempfile.TemporaryFile(dir=_resolve_link(path).parent, prefix=".tsrnn-").close()
    except OSError as error:
        raise click.UsageError(f"{option} {path} cannot be written: {error.strerror or error}") from error


def _check_existing(path: Path, option: str, data: Path, force: bool) -> None:
    """Check that an existing file may be overwritten."""
    if data.exists() and path.samefile(data):
        raise click.UsageError(f"{option} {path} is the input file; give another name")
    if not path.is_file():
        raise click.UsageError(f"{option} {path} is not a regular file; give another name")
    if not force:
        raise click.UsageError(f"{option} {path} exists; give another name, or overwrite it with --force")
    if not os.access(path, os.W_OK):
        raise click.UsageError(f"{option} {path} cannot be written: it is read-only")


def _resolve_link(path: Path) -> Path:
    """Return the absolute path of a file, or of the target of a link."""
    return path.resolve() if path.is_symlink() else path.absolute()


@contextmanager
def atomic_write(path: Path, option: str, force: bool) -> Iterator[Path]:
    """Yield a temporary path in the same folder, and replace `path` by that file when the context ends.

    An existing file keeps its permissions, and a link stays a link. If an error occurs, nothing is changed.
    """
    target = _resolve_link(path)
    temporary = target.with_name(f".tsrnn-{secrets.token_hex(8)}{target.suffix}")
    temporary_files.append(str(temporary))
    try:
        yield temporary
        if target.exists():
            if not force:
                raise click.ClickException(f"{option} {path} has been created meanwhile; overwrite it with --force")
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except OSError as error:
        raise click.ClickException(f"{option} {path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        temporary_files.remove(str(temporary))
