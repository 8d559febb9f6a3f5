"""Tests of a person's own settings."""
