"""The public face for scripts and notebooks: `import explorer as gx`. See docs/library.md."""
