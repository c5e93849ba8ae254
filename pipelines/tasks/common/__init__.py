"""What tasks share: the sample that is being written."""
