"""A template pack: all of it is data, found by the entry point `livery.packs` and never imported."""
