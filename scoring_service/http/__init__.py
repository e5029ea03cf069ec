"""How does a request become a call, and an error a problem document?"""
