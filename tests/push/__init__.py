"""Web push against strict push services of our own."""
