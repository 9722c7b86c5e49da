"""The command `jiaozi-sim`: the simulator's own commands, and those that know purses."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Annotated

import typer

from jiaozi_sim.cli import app, main
from scenarios.sweep.images import ELF, image

__all__ = ["app", "main"]


@app.command()
def replay(
    place: Annotated[
        str, typer.Argument(help="FLOW:FAULT:EVENT:STORE:OUTCOME:BOTH, as `make sweep` prints it.")
    ],
    seed: Annotated[int, typer.Option(help="The sweep's seed.")] = 1,
    elf: Annotated[Path, typer.Option(help="The image that was swept.")] = ELF,
    keep: Annotated[
        Path | None,
        typer.Option(help="Leave NVM images, frames and journals in this folder if it fails."),
    ] = None,
) -> None:
    """Repeat one power cut of a sweep; says what breaks, and ends with 1 if anything does."""
    from scenarios.sweep.replay import replay_one

    try:
        found = replay_one(image(elf), seed, place, keep)
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    for what in found:
        print(what)
    if not found:
        print("all rules hold")
    raise typer.Exit(1 if found else 0)


if __name__ == "__main__":
    main()
