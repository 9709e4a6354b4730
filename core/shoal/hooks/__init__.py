"""The door that plugins come through, built-in ones and strangers' alike.

`specs` holds the pluggy hook specifications: they are called once, at start, and hand over objects.
Every other module here is one noun: the Protocol that such an object fulfils, and what it is given.
A plugin module marks its functions with `hookimpl` and is found by the entry-point group `shoal`.
"""

from shoal.hooks.specs import hookimpl

__all__ = ["hookimpl"]
