"""How good and how fast Claimvet is on data that it did not make, each figure beside a published or a plain one.

Convention: a benchmark maps foreign data onto the contract, or makes its own, runs the pipeline's own stages on it, and writes its
section of `docs/benchmarks.md`.
"""
