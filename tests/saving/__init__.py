"""Tests of what leaves the screen."""
