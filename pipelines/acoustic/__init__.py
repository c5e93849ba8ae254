"""The small acoustic model that an aligner trains on the corpus: features, mixtures, networks of states, training rounds."""
