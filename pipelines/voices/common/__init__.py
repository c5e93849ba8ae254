"""What voices share, and the parts of espeak's voice."""
