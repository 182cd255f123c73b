"""The API of people and their devices, a module a noun."""
