"""What follows from the events, kept so that one claim is read fast?"""
