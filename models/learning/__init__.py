"""How does a model come out of findings: labels, splits, boosters, calibration, tuning?"""
