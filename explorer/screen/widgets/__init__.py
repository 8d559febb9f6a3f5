"""The widgets: they show lines of spans and pass on what the user did; they decide nothing."""
