"""The documents people write: from YAML to a catalog, all problems at once, nothing lost.

`load` reads files into validated documents and says what is wrong with the others, each with file,
line, field and the nearest known name. `merge` lays what was read over what was known, so that what
cannot be read keeps its last valid version. Reading order: `problems`, `yaml_reading`,
`recognising`, `walking`, `validating`, `relating`, `depending`, `loading`, `cataloguing`.
"""

from shoal.documents.cataloguing import Catalog, Changes, Difference, Origin, changes, keep, merge
from shoal.documents.loading import Identity, Loaded, Located, load
from shoal.documents.problems import Problem

__all__ = [
    "Catalog",
    "Changes",
    "Difference",
    "Identity",
    "Loaded",
    "Located",
    "Origin",
    "Problem",
    "changes",
    "keep",
    "load",
    "merge",
]
