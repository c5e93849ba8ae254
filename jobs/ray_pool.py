"""The actors of a build: each is a process with resources of its own on a node that Ray chooses.

An actor is starting (it may wait for a node), idle or busy. An idle one is retired when work of other resources waits for a node.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import ray

from weft.schemas.resources import Resources


@dataclass(frozen=True)
class Actor:
    """A process on a node, and the resources it holds; `node` is empty until it is placed."""

    handle: Any
    resources: Resources
    node: str = ""


@dataclass
class Pool:
    """Actors by state: starting ones by the reference of their first answer, idle ones in a list, busy ones by that of their result."""

    make: Callable[[Resources], Any]  # the handle of a new actor
    starting: dict[Any, Actor] = field(default_factory=dict)
    idle: list[Actor] = field(default_factory=list)
    busy: dict[Any, Actor] = field(default_factory=dict)

    def actors(self) -> Iterable[Actor]:
        return (*self.starting.values(), *self.idle, *self.busy.values())

    def start(self, kind: Resources) -> None:
        handle = self.make(kind)
        self.starting[handle.node.remote()] = Actor(handle=handle, resources=kind)

    def count_starting(self, kind: Resources) -> int:
        return sum(actor.resources == kind for actor in self.starting.values())

    def placed(self, first: Any) -> None:
        """An actor has answered for the first time. Raises RayError where it died before."""
        actor = self.starting.pop(first)
        self.idle.append(Actor(handle=actor.handle, resources=actor.resources, node=ray.get(first)))

    def take_idle(self, kind: Resources) -> Actor | None:
        actor = next((actor for actor in self.idle if actor.resources == kind), None)
        if actor:
            self.idle.remove(actor)
        return actor

    def retire(self, actor: Actor) -> None:
        self.idle.remove(actor)
        ray.kill(actor.handle)

    def cancel(self, kind: Resources) -> None:
        """Ends one actor of this kind that is still starting."""
        first = next(first for first, actor in self.starting.items() if actor.resources == kind)
        ray.kill(self.starting.pop(first).handle)

    def lost(self, actor: Actor) -> None:
        """An actor died. Its node may be gone: the idle actors on it are retired, so that lost work is not assigned to them."""
        for other in [other for other in self.idle if other.node == actor.node]:
            self.retire(other)
