"""Entry point of the program ``tsrnn`` and of ``python -m tsrnn``."""

from __future__ import annotations

from .signals import exit_on_interrupt


def main() -> None:
    """Run the command line; Ctrl-C also ends its imports at once."""
    with exit_on_interrupt():
        from .cli import main as program

        program(prog_name="tsrnn")


if __name__ == "__main__":
    main()
