"""The program ``tsrnn``, which is also ``python -m tsrnn``."""

from __future__ import annotations

from .signals import interrupts_leave


def main() -> None:
    """Run the command line; what it imports is under the same rules as what it does."""
    with interrupts_leave():
        from .cli import main as program

        program(prog_name="tsrnn")


if __name__ == "__main__":
    main()
