"""The configuration: models, strict loading, and everything that is generated from them.

Nothing is imported here: options of other packages inherit from `monitor.settings.options.Options`, and
`monitor.settings.root` is composed of them.
"""
