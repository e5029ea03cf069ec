"""How likely is this claim valid, frivolous or abusive, how sure are we, and what should happen to it?

Its one convention: probabilities point towards the claimant. Merit is P(valid), deception is P(abusive | not valid), and
P(valid) = merit, P(frivolous) = (1 - merit)(1 - deception), P(abusive) = (1 - merit) deception.
"""
