"""What a conformance suite found fault with."""

from driftline.sim.conformance import Check


def faults(checks: tuple[Check, ...]) -> dict[str, str]:
    return {check.name: check.fault for check in checks if check.fault}
