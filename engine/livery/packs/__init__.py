"""Template packs: data only, read from folders, laid over their parents."""
