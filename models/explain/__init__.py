"""Why does a claim have its score, and which range is usual for each input?"""
