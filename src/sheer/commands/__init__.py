"""What the commands of the command line do; each prints with rich."""
