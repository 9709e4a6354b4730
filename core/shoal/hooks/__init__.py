"""The door that plugins come through, built-in ones and strangers' alike.

`specs` holds the pluggy hook specifications: they are called once, at start, and hand over objects.
Every other module here is one noun: the Protocol that such an object fulfils, and what it is given.
A plugin module marks its functions with `hookimpl` and is found by the entry-point group `shoal`.

Every call of a seam is made by the core, behind a border: it has a deadline, its answer is looked
at, and what it raises beside the errors of `shoal.errors` is a bug of the plugin, which is named. A
Retryable is tried again with back-off, a Permanent waits for another revision or a person. A call
may be cancelled at any await; it ends soon then, and leaves nothing half done that matters. Many
calls run at once, in one event loop, which no call may keep from turning. Deadlines that are told
here are those for what hangs: whoever is asked ends sooner by itself, and says why.
"""

from shoal.hooks.specs import hookimpl

__all__ = ["hookimpl"]
