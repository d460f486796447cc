"""Several people at once, each on a connection of their own."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

from django.db import connections

PATIENCE = 10


def race(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts at the same time; return what each returned or raised, in their order."""
    outcomes: list[Any] = [None] * len(acts)
    start = Barrier(len(acts))

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            start.wait(PATIENCE)
            outcomes[place] = act()
        except Exception as error:
            outcomes[place] = error
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=numbered) for numbered in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def meeting(people: int, act: Callable[..., Any]) -> Callable[..., Any]:
    """Return `act` made to wait until `people` stand before it: in a control, where no lock keeps them apart."""
    point = Barrier(people)

    def wait_and_act(*args: Any, **kwargs: Any) -> Any:
        point.wait(PATIENCE)
        return act(*args, **kwargs)

    return wait_and_act


def compiled_anew(prepared, *shape, **values):
    """Do what a prepared query does without what was compiled before: in the place of `Prepared.__call__`."""
    return prepared.compile(shape, tuple(values)).rows(values)
