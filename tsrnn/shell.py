"""A program among others: exit codes, one line for each error, full disks, closed pipes, and files that it writes."""

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

from .signals import interrupts_leave, unfinished

#: Characters of an error message, at most: a cell of a file may have millions.
MOST = 2000


class Program(click.Group):
    """Commands that end in an exit code: 0, 1 for an error, 2 for wrong arguments, 130 for Ctrl-C."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **options: Any
    ) -> Any:
        """Run the program and exit; with ``standalone_mode=False`` return or raise what happened."""
        if not options.get("standalone_mode", True):
            return super().main(args, prog_name, **options)
        with interrupts_leave():
            try:
                code = self._run(args, prog_name, options)
            except OSError:  # of standard error, which cannot be told
                code = 1
            sys.exit(max(code, _flush()))

    def _run(self, args: Any, prog_name: Any, options: dict[str, Any]) -> int:
        """The exit code; errors are told on standard error."""
        try:
            code = super().main(args, prog_name, **options | {"standalone_mode": False})
            return code if isinstance(code, int) else 0
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (KeyboardInterrupt, click.Abort):
            return 130
        except SystemExit:  # a closed pipe: nobody reads on
            return 1
        except MemoryError as error:
            reason = f": {error}" if str(error) else ""
            click.echo(shortened(f"Error: there is not enough memory{reason}"), err=True)
            return 1
        except OSError as error:
            click.echo(shortened(f"Error: {_place(error)}{error.strerror or error}"), err=True)
            return 1


def _place(error: OSError) -> str:
    """Where it happened, for a message."""
    *_, (innermost, _line) = traceback.walk_tb(error.__traceback__)
    if str(innermost.f_globals.get("__name__")).startswith("click."):
        return "standard output cannot be written: "
    return f"{error.filename}: " if error.filename else ""


def _flush() -> int:
    """Write what is left of the output; 1 if that fails, after which the interpreter will not try once more."""
    if sys.stdout is None:  # closed before the start
        return 0
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError, ValueError):  # a stream that is no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            with suppress(OSError):
                click.echo(f"Error: standard output cannot be written: {error.strerror}", err=True)
        return 1
    return 0


def shortened(text: str, most: int = MOST) -> str:
    """A text, without its middle if it is very long."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 4 :]}"


# ---------------------------------------------------------------- files that are written
def check_target(path: Path | None, option: str, suffixes: tuple[str, ...], data: Path, force: bool) -> None:
    """Refuse a file that could not or should not be written, before the work is done and not after it.

    Parameters
    ----------
    path : Path or None
        The file that `option` names.
    option : str
        The option, for the message.
    suffixes : tuple of str
        What the name may end in.
    data : Path
        The file that is read; it is never overwritten, under whatever name.
    force : bool
        Whether another file may be.
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
        tempfile.TemporaryFile(dir=_target(path).parent, prefix=".tsrnn-").close()
    except OSError as error:
        raise click.UsageError(f"{option} {path} cannot be written: {error.strerror or error}") from error


def _check_existing(path: Path, option: str, data: Path, force: bool) -> None:
    if data.exists() and path.samefile(data):
        raise click.UsageError(f"{option} {path} is the file that is read; give another name")
    if not path.is_file():
        raise click.UsageError(f"{option} {path} is no regular file; give another name")
    if not force:
        raise click.UsageError(f"{option} {path} exists; --force overwrites it")
    if not os.access(path, os.W_OK):
        raise click.UsageError(f"{option} {path} cannot be written: it is read-only")


def _target(path: Path) -> Path:
    """Where a file will be: behind a link, if it is one."""
    return path.resolve() if path.is_symlink() else path.absolute()


@contextmanager
def written(path: Path, option: str, force: bool) -> Iterator[Path]:
    """Give a temporary file in the same folder, which takes the place of `path` when it is complete.

    What was there keeps its permissions, and a link stays one. A failure leaves everything as it was.
    """
    target = _target(path)
    temporary = target.with_name(f".tsrnn-{secrets.token_hex(8)}{target.suffix}")
    unfinished.append(str(temporary))
    try:
        yield temporary
        if target.exists():
            if not force:
                raise click.ClickException(f"{option} {path} has come to exist meanwhile; --force overwrites it")
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except OSError as error:
        raise click.ClickException(f"{option} {path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        unfinished.remove(str(temporary))
