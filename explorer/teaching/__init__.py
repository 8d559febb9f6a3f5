"""Lessons, the glossary and tours: texts about a run in which every number is computed from it."""
