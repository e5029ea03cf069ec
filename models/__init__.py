"""How likely is this claim valid, frivolous or abusive, how sure are we, and what should happen to it?

Its one convention: valid is the reference. One booster asks how much more a claim looks frivolous than valid, another how much more
abusive than valid; the three probabilities follow from the two odds, and a low P(valid) is a finding to be made, never one made.
"""
