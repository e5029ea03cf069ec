"""How is a feature computed for one claim at a time, without an engine, from the same declarations as for millions?

`interpreter` runs the declared expressions on plain Python rows, `layout` says what has to be kept of every event so that a window is a
difference of two running totals, `deltas` makes that of an event, and `values` makes the features of what was kept.
"""
