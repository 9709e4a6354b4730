"""The built-in plugins: sources and renderers, registered as a third party's would be."""
