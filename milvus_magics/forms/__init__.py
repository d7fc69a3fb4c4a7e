"""The forms: read the fields, call the client function, say in one line what came of it."""
