"""How everything is put together. Nothing outside this package names a concrete adapter."""

from typing import Final

from entrypoints.container.assembled import Container, Tools
from entrypoints.container.opening import opened

__all__ = ["VERSION", "Container", "Tools", "opened"]

VERSION: Final = "0.1.0"
"""Of the tree that the service runs from; the project's own file says the same."""
