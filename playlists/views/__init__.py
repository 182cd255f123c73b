"""The pages of a person's Spotify account and of what they export to it."""
