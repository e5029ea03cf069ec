"""Who else is tied to this claim: by shared evidence, identity tokens, rings of them, or wording?"""
