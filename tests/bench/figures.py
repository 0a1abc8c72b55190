"""How a figure is printed."""


def heading(text: str | None) -> None:
    print(f"\n{(text or '').splitlines()[0]}", flush=True)


def figure(
    what: str,
    value: float,
    unit: str = "s",
    *,
    peer: float = 0,
    of: str = "",
    goal: float | None = None,
) -> None:
    """One line: the figure, its ratio to a peer where there is one, and the most that it should be.

    The goal is one of the ratio, where there is a ratio.
    """
    parts = [f"  {what:<52}{value:9.2f} {unit:<5}"]
    if peer:
        parts.append(f"{value / peer:6.2f} x ({of}: {peer:.2f} {unit})")
    if goal is not None:
        parts.append(f"goal {goal:g}{'' if peer else f' {unit}'}")
    print("  ".join(parts).rstrip(), flush=True)
