"""The words of Shoal as frozen values: what the layers hand to one another.

Nothing here does I/O, reads a clock or knows a plugin. One module per noun. Reading order:
`identity`, `documents`, `artifacts`, `manifests`, `plans`, `sightings`, `holds`, `records`,
`alerts`.
"""
