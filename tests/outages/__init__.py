"""What happens to requests while a part of the machinery is gone, and after it is back."""
