"""The command `openbell` and the version. Everything else of the venue stands beside this package, not in it.

`pip install .` puts the rooms of the checkout (`engine`, `api`, `tools` ...) into `openbell/venue/`, so that no package
of a name such as `tools` appears beside other people's. `openbell.home` finds them in either place.
"""

__version__ = "0.1.0"  # the only place: pyproject.toml, --version, GET /health and OpenAPI read it here
