"""The parts of the screen as pure functions: a session and a size in, lines of styled spans out. No Textual here."""
