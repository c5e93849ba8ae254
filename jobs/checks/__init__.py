"""What `weft validate` checks, one kind of mistake a module."""
