"""What a check of the gate is: a name, a figure, a bound in words, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check: its name, the figure, the bound in words and whether it holds."""

    name: str
    figure: float
    bound: str
    passed: bool

    def __str__(self) -> str:
        return f"{'pass' if self.passed else 'FAIL'}  {self.name}: {self.figure:.4g} (expected {self.bound})"
