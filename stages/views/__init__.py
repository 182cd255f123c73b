"""The pages of the floor and of the weekend, a module a noun."""
