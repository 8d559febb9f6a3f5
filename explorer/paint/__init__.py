"""What is on the screen, as pure functions: a session and a size in, lines of styled spans out. No Textual in here."""
