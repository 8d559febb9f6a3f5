"""The canvas, the widget that all panes are drawn on."""
