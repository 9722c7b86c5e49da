"""The same tap computes the same on QEMU and on Unicorn, and on the chosen engine."""

from __future__ import annotations

from jiaozi_sim.machines.engines import chosen_engine
from scenarios import fidelity


def test_a_tap_computes_the_same_on_every_engine() -> None:
    engines = dict.fromkeys(["qemu", "unicorn", chosen_engine()])
    costs = {engine: fidelity.measure(engine) for engine in engines}
    assert all(side[phase] for side in fidelity.sides(costs["qemu"]) for phase in fidelity.EXACT)
    assert fidelity.disagreements(costs) == []
    [first, *others] = costs.values()
    assert {(cost.exchanges, cost.bytes) for cost in others} == {(first.exchanges, first.bytes)}
