"""The stages from raw tables to scored claims, and the `claimvet` command line.

Convention: a stage is a function of paths and parameters that writes its outputs aside and then renames them; only `pipeline.cli.main`
reads the clock, the terminal and `params.yaml`.
"""
