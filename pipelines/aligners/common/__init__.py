"""What aligners share: spellings, pronunciations, CTC, Viterbi and windows."""
