"""What was known of one claim at one moment?"""
