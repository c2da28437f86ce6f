"""What users read and write: titles, comments and queries from a lexicon, interned as segments."""
