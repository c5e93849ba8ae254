"""Audio files as samples: headers, decoders, resampling, batches; and espeak's library."""
