"""Rows that are alike in all but their keys: a load that was repeated under other ids says nothing new.

Each counts once. Otherwise a data set that was loaded twice would halve the variance of every figure, and the bound of denials would be
surer than its claims make it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def first_of_each(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return whether each row is the first of those that are equal to it in every column, bool (n,); nulls equal nulls.

    Leave the keys out of `rows`: with them no two rows are alike.

    >>> first_of_each(pd.DataFrame({"amount": [9.5, 9.5, None, None], "label": ["valid", "valid", "valid", "abusive"]})).tolist()
    [True, False, True, True]
    """
    return ~rows.duplicated(keep="first").to_numpy()


def copies(*facts: pd.DataFrame) -> pd.Index:
    """Return the ids of rows that are alike another in all columns of all `facts`, but for the first of them by id.

    The frames have the same ids as their index, in the same order, and columns of any types.

    >>> amounts = pd.DataFrame({"amount": [9.5, 9.5, 7.0]}, index=["c2", "c1", "c3"])
    >>> copies(amounts, pd.DataFrame({"label": ["valid"] * 3}, index=amounts.index)).tolist()
    ['c2']
    """
    rows = pd.concat([each.add_prefix(f"{number}.") for number, each in enumerate(facts)], axis=1).sort_index()
    return rows.index[~first_of_each(rows)]
