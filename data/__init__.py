"""What data is here: the tables every user brings (`data.contract`) and the category hazards we ship (`data/reference`).

`raw/`, `features/`, `scores/` and `reports/` beside this file are produced by the pipeline, tracked by DVC and ignored by git.
"""
