"""The verb that takes interviews with simulated candidates."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from interviewer.bench import simulate as simulation
from interviewer.bench.transcripts import transcripts
from interviewer.terminal import Json, bar, err, print_plain, read_settings
from interviewer.wiring import Wiring


def simulate(
    interviews: Annotated[int, typer.Option(min=1, max=100_000, help="场数 / number of interviews")] = 70,
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 1,
    show: Annotated[
        bool, typer.Option("--transcripts", help="只打印三份记录 / print three transcripts instead")
    ] = False,
    as_json: Json = False,
) -> None:
    """用模拟候选人跑完整的面试，并检查每一条规则 / Take interviews with simulated candidates and check every rule."""
    wiring = Wiring(read_settings())
    if show:
        print_plain(transcripts(wiring.bank, wiring.offline_grader, seed))
        return
    with bar() as advance:
        tallies = simulation.simulate(wiring.bank, wiring.offline_grader, interviews, seed, advance)
    if as_json:
        print_plain(json.dumps({name: asdict(tally) for name, tally in tallies.items()}, ensure_ascii=False, indent=2))
    else:
        print_plain(simulation.table(tallies))
    faults = [fault for tally in tallies.values() for fault in tally.broken]
    for fault in faults[:20]:
        err.print(fault, style="red", markup=False, highlight=False)
    if faults:
        raise typer.Exit(1)
