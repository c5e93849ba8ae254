"""What a stage learns, one objective a file."""
