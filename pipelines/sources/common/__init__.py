"""What sources share: files of folders and urls, recordings with labels, kinds detected by path."""
