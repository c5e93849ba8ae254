"""What several encoders share."""
