"""What can be watched of the running service?"""
