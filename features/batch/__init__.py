"""What are the features of many claims at once, over a whole history?"""
