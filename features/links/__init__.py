"""Who else is tied to this claim: by shared evidence, identity tokens, chains of them, or wording?

Its one convention: a link counts distinct other customers, as they were known strictly before the claim was filed.
"""
