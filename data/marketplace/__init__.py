"""A marketplace made up whole: who buys, sells, returns, gets hurt and cheats, as the contract's tables.

Convention: the tables hold what a platform would know; what is true lies apart, under `truth/`, and nothing downstream reads it.
"""

from __future__ import annotations

from claimvet.data.marketplace.generation import GenerationReport, generate

__all__ = ["GenerationReport", "generate"]
