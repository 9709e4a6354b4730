"""The only part that loads plugins, and the place where everything is wired together.

`loading` finds plugins by entry point and checks what they register; `hosting` makes what each
plugin is lent; `secret_files` reads each `secretRef` from a folder; `settings` is what a controller
can be told, `configuring` puts it together and `reloading` looks at it again; `serving` runs a
controller with its API. `offline` and `checkup` do without one. The command line is the only
caller, and imports the module it needs: `loading` is 0.3 s lighter than `serving`.
"""
