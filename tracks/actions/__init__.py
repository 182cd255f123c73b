"""The verbs: like, verify, link, repair."""
