"""The screens, and what their keys do."""
