"""Models that want an environment of their own: a child process each, which answers one question at a time."""
