"""Why does a claim have its score, and what is usual for each input?"""
