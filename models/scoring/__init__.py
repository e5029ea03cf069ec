"""What does a trained model answer for these features?"""
