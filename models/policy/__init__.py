"""What should happen to a claim, in dollars and within the guarantee?"""
