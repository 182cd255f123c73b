"""The pages of what was heard and kept."""
