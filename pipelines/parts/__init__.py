"""How work is done once, committed whole and accounted for."""
