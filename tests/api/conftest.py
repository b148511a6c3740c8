"""One world for all tests of a module."""

from tests.api.world import make_world
from tests.worlds import once_a_module

_rows, world = once_a_module(make_world)
