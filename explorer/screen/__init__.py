"""The app on the screen. The only room that uses Textual."""
