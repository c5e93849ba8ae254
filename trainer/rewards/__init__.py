"""What a reply to a prompt is worth, one reward a file."""
