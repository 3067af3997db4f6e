"""The application: load a session, step it, save it, run the effects."""
