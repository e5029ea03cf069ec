"""What can be typed? The `claimvet` command line, one file a group of commands."""
