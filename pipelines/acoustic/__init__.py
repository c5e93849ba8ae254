"""The small acoustic model that an aligner learns from the corpus itself: spectra, mixtures, chains of states, rounds."""
