"""How text files are read: where bytes may be cut, what a document is, and how long text is cut."""
