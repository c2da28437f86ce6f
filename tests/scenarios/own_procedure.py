"""A procedure as a user would write it in a file of its own."""

from driftline.evaluation.procedures import Effect, Procedure, Units, t_effect


class PlainNormal(Procedure):
    """The difference of means, with the normal interval."""

    title, meaning = "plain normal", "difference of means, normal interval"

    def effect(self, units: Units, *, level: float = 0.95) -> Effect:
        variance = float(units.a.var(ddof=1)) / len(units.a) + float(units.b.var(ddof=1)) / len(units.b)
        value, n = float(units.b.mean() - units.a.mean()), len(units.value)
        return t_effect(value=value, variance=variance, df=float("inf"), n=n, level=level, method="normal")
