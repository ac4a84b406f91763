"""What the service counts of itself, and how whoever watches it reads that."""
