"""The screen, written into files and copied: as numbers, text or a picture."""
