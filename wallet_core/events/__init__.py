"""What happened, written together with what made it happen, for others to be told of it later."""
