"""The state behind the screen: the walk through a run, and what is asked and changed on the way."""
