"""Every number that the world is made of, with the source it was fitted to; `assumption` where no source says it.

Sources, all under `../shared/data`: *tsa* = tsa_claims, *retail* = online_retail, *bodily* = bodily_injury_claims (AutoBi),
*guarantee* = the marketplace guarantee that claims are decided under. `data.marketplace.fits` computes the fits again.
"""

from __future__ import annotations

from typing import Final

import numpy as np

MICROSECOND_DAY: Final = 86_400_000_000
"""Microseconds a day; all times are int64 microseconds since 1970-01-01 UTC."""

# Time
START_DAY: Final = "2024-01-01"
"""First day of the period (assumption)."""
PERIOD_DAYS: Final = 730
"""Length of the period: two years, so that a 365-day window fits before the later half (assumption)."""
MONTH_FACTOR: Final = (0.68, 0.69, 0.91, 0.78, 1.05, 0.96, 0.92, 0.85, 1.15, 1.28, 1.74, 0.98)
"""Orders of each calendar month against the mean month (retail, invoices 2010-12 to 2011-11)."""
HOUR_SHARE: Final = (
    *(0.0,) * 6,
    *(0.0001, 0.0015, 0.0281, 0.0747, 0.1189, 0.1202, 0.1603, 0.1382, 0.124),
    *(0.1176, 0.0661, 0.0329, 0.0094, 0.0072, 0.0009, 0.0, 0.0, 0.0),
)
"""Orders by hour of the day (retail, invoices)."""
ANY_HOUR_SHARE: Final = 0.2
"""Orders that fall at any hour alike, as private buyers' do (assumption; retail's shop sells to businesses by day)."""
YEARLY_GROWTH: Final = 0.15
"""Growth of orders a year (assumption)."""

# Sizes, relative to the number of claims
ORDERS_PER_CLAIM: Final = 33.0
"""Orders for each claim (assumption)."""
CUSTOMERS_PER_CLAIM: Final = 4.0
"""Accounts for each claim: 4.1 orders a year for each (retail: 4.27 invoices a customer and year)."""
CLAIMS_PER_SELLER: Final = 25
"""Claims for each seller (assumption)."""
CLAIMS_PER_PRODUCT: Final = 3
"""Claims for each product (assumption)."""

# Customers
KINDS: Final = ("honest", "careless", "opportunist", "serial_abuser", "ring_member", "late_attacker")
"""What a customer is; the truth that the tables do not hold."""
KIND_SHARE: Final = (0.836, 0.120, 0.032, 0.0052, 0.0045, 0.0023)
"""Share of accounts (assumption; the top 1 % of customers make 78 % of the returned value in retail, so abusers are few)."""
KIND_ACTIVITY: Final = (1.0, 1.2, 1.5, 2.5, 2.0, 2.0)
"""Orders of a kind against those of an honest account (assumption)."""
ACTIVITY_SHAPE: Final = 0.33
"""Gamma shape of orders a customer: mean 4.27, variance 59.3 invoices a year (retail; method of moments)."""
ACCOUNT_AGE_DAYS: Final = 700.0
"""Mean age of accounts that were open when the period began (assumption)."""
KIND_NEW_SHARE: Final = (0.30, 0.30, 0.35, 0.50, 0.65, 1.0)
"""Share of accounts that open within the period (assumption)."""
ATTACK_BEGINS: Final = 0.78
"""The late attack starts after this share of the period (assumption)."""
RING_SIZE: Final = (3, 9)
"""Least and most members of a ring (assumption)."""

# Catalogue
SELLER_SIZE_SIGMA: Final = 1.69
"""Log standard deviation of sales (retail: of lines a stock code)."""
PRODUCT_POPULARITY_SIGMA: Final = 1.69
"""Log standard deviation of a product's sales (retail: of lines a stock code)."""
SELLER_DISHONEST_SHARE: Final = 0.06
"""Sellers who report and defend falsely (assumption)."""
PRICE_MEDIAN: Final = 32.0
"""Median price in dollars (assumption)."""
PRICE_SIGMA: Final = 1.06
"""Log standard deviation of prices (retail: of a stock code's median unit price)."""
CATEGORY_PRICE_SIGMA: Final = 0.7
"""Log standard deviation of price between categories; the rest of `PRICE_SIGMA` is within them (assumption)."""
LOT_SHARE: Final = 0.008
"""Products with one dangerous lot (assumption)."""
LOT_DAYS: Final = (25, 80)
"""How long a dangerous lot is on sale, days (assumption)."""
LOT_HAZARD: Final = 45.0
"""How much likelier an order of a dangerous lot hurts (assumption)."""

# Returns
KIND_RETURN_RATE: Final = (0.075, 0.20, 0.34, 0.30, 0.16, 0.05)
"""Returns an order (retail: 0.178 cancellations an invoice on average, heavily unequal between customers; split by kind: assumption)."""
RETURN_NOT_INSPECTED: Final = 0.06
"""Returns whose parcel is never opened (assumption)."""

# Claims
LABEL_SHARE: Final = (0.64, 0.20, 0.16)
"""Valid, frivolous and abusive among all claims (assumption; tsa denies 67 % of decided claims, but denied is not frivolous)."""
REPORT_DELAY: Final = (3.01, 1.09)
"""Mean and standard deviation of log(1 + days) from incident to filing (tsa, all types)."""
PROPERTY_AMOUNT: Final = (5.08, 1.28)
"""Mean and standard deviation of log dollars claimed for property damage (tsa)."""
INJURY_AMOUNT: Final = (7.46, 1.48)
"""Mean and standard deviation of log dollars of an injury (bodily)."""
INJURY_SHARE: Final = 0.12
"""Claims for injury (assumption; tsa has 1 %, but its claimants lost luggage)."""
ROUND_HUNDRED: Final = 0.143
"""Amounts that are multiples of 100 dollars (tsa)."""
ROUND_TEN: Final = 0.335
"""Amounts that are multiples of 10 dollars (tsa)."""
AMOUNT_UNSTATED: Final = 0.04
"""Claims whose amount is not stated yet (assumption; tsa has 1.6 % in 2007-09)."""
CONCESSION_LIMIT: Final = 1000.0
"""Valid claims below it are paid by the marketplace (guarantee)."""
SMALL_CLAIM_SHARE: Final = 0.80
"""More than this share of claims is below the limit (guarantee); checked, not imposed."""

# Outcomes
AUDIT_SHARE: Final = 0.02
"""Small claims that experts decide whatever they look like (assumption)."""
SETTLED_RATIO: Final = (0.30, 0.85)
"""Paid against claimed where the two sides settle: 10th and 90th percentile (tsa)."""
SETTLED_SHARE: Final = 0.117
"""Valid findings that are paid in part (tsa: settled among decided claims)."""
INSURANCE_SALES: Final = 10_000.0
"""A seller must be insured from the month in which sales reach this, dollars (guarantee)."""

NULL_TIME: Final = np.iinfo(np.int64).min
"""Stands for `not known` in arrays of times."""
