"""Which model scores, and how does a newer one take over?"""
