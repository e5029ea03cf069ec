"""How good are probabilities against findings, with which interval, and against which baseline?"""
