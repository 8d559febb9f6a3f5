"""Steps through a function of `gpt/`: it is run for real, once, and every line it came to is a stop.

Lines are those of statements; in a comprehension every pass is a stop too, with its variables bound. The machinery
around the model (hooks, dataclasses, sort keys) is left out. Nothing in `gpt` is changed in place, so what a stop
remembers by reference stays what it was.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import CodeType, FrameType
from typing import Any

from explorer.code.source import (
    Loop,
    Source,
    Spot,
    Statement,
    handing_frame,
    is_model_file,
    outline,
    short,
    source_of_code,
    spots,
)
from gpt import Hook

LOOP_STOPS = 2000
"""In one call of a function every line and every loop stops at most this often."""

_COMPREHENSIONS = ("<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>")


@dataclass(frozen=True)
class Stop:
    """A line that is about to run."""

    file: str  # "gpt/attention.py"
    function: str
    line: int  # of a statement over several lines the first
    depth: int  # calls below the function that was started
    scope: dict[str, Any]
    activations: tuple[str, ...] = ()  # what this line hands to the hook, in order
    passes: tuple[int, ...] = ()  # in loops of this line: which pass of each, counted from 1, the outermost first
    returned: bool = False  # the very end: the function that was started has returned
    call: int = 0  # the number of the call that it is part of
    caller: int | None = None  # the stop from which that call was made

    @property
    def activation(self) -> str | None:
        """The activation that the line hands to the hook, if any."""
        return self.activations[-1] if self.activations else None


class Stepper:
    """A run, and where in it one stands. A move that cannot be made does nothing and returns False."""

    def __init__(
        self,
        stops: list[Stop],
        results: dict[int, Any],
        elements: dict[int, "_Element"],
        codes: list[CodeType],
        value: Any,
    ) -> None:
        self.stops = stops
        self.value = value  # what the function returned
        self.index = 0
        self._results = results
        self._elements = elements
        self._codes = codes
        self._visited: list[int] = []

    @property
    def stop(self) -> Stop:
        return self.stops[self.index]

    @property
    def source(self) -> Source:
        """The function that is running."""
        return source_of_code(self._codes[self.stop.call])

    @property
    def statement(self) -> Statement:
        """The running statement."""
        return outline(self._codes[self.stop.call].co_filename).statements[self.stop.line]

    @property
    def chain(self) -> tuple[Stop, ...]:
        """The stops of the callers, the outermost first, and this one."""
        chain = [self.stop]
        while chain[0].caller is not None:
            chain.insert(0, self.stops[chain[0].caller])
        return tuple(chain)

    @property
    def known(self) -> bool:
        """Whether it is known what this line will have computed."""
        return self.index in self._results or self.index in self._elements

    @property
    def result(self) -> Any:
        """The value of this line: of the name it assigns (several: a tuple), to return, or of this pass's element."""
        if self.index in self._elements:
            self._results[self.index] = self._elements.pop(self.index).value(self.stop.scope)
        return self._results.get(self.index)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names to which this line gives its result."""
        return () if self.stop.passes or self.stop.returned else self.statement.targets

    @property
    def changed(self) -> set[str]:
        """The names that are new, or have another value, since one last stopped in this call."""
        visited = [self.stops[index] for index in self._visited[-1:]]
        before = next((stop for stop in (*visited, *self._earlier()) if stop.call == self.stop.call), None)
        return {name for name, held in self.stop.scope.items() if not _holds(before, name, held)}

    @property
    def names(self) -> list[str]:
        """The names in scope: first what has changed, then what stands in the line, then the youngest values."""
        scope, ages = self.stop.scope, dict[str, int]()
        same = (stop for stop in self._earlier() if stop.call == self.stop.call)
        for age, stop in enumerate(same):
            for name in [name for name in scope if name not in ages and not _holds(stop, name, scope[name])]:
                ages[name] = age
        changed, used, oldest = self.changed, self.statement.names, len(self.stops)
        return sorted(scope, key=lambda name: (name not in changed, name not in used, ages.get(name, oldest)))

    def _earlier(self) -> Iterator[Stop]:
        return (self.stops[index] for index in range(self.index - 1, -1, -1))

    # Moves

    def over(self) -> bool:
        """To the next line of this function, or pass of this loop; at its end, to the caller."""
        here = self.stop
        return self._forward(
            lambda stop: (stop.call == here.call and len(stop.passes) <= len(here.passes)) or stop.depth < here.depth
        )

    def into(self) -> bool:
        """To the very next stop: into the loop of this line, or what it calls."""
        return self._forward(lambda stop: True)

    def out(self) -> bool:
        """Out of the loop of this line; where there is none, back to the caller, after the line that called."""
        here = self.stop
        if here.passes:
            return self._forward(lambda stop: (stop.call == here.call and not stop.passes) or stop.depth < here.depth)
        return self._forward(lambda stop: stop.depth < here.depth or stop.returned)

    def back(self) -> bool:
        """Undo the last move; where there was none, to the stop before."""
        before = self.index
        self.index = self._visited.pop() if self._visited else max(0, before - 1)
        return self.index != before

    def to(self, activation: str) -> bool:
        """To the line that hands over the activation of that name."""
        return self._go(index for index, stop in enumerate(self.stops) if activation in stop.activations)

    def to_value(self, value: Any) -> bool:
        """To the outermost line whose result is that very object."""
        found = (index for index, result in self._results.items() if result is value)
        return self._go(iter(sorted(found, key=lambda index: (self.stops[index].depth, index))))

    def start_here(self) -> None:
        """Forget the moves that led here."""
        self._visited.clear()

    def _forward(self, fits: Callable[[Stop], bool]) -> bool:
        return self._go(index for index in range(self.index + 1, len(self.stops)) if fits(self.stops[index]))

    def _go(self, places: Iterator[int]) -> bool:
        index = next(places, None)
        if index is None:
            return False
        if index != self.index:
            self._visited.append(self.index)
        self.index = index
        return True


def _holds(stop: Stop | None, name: str, held: Any) -> bool:
    return stop is not None and name in stop.scope and stop.scope[name] is held


def step_through(
    run: Callable[[Hook], Any], *, hook: Hook | None = None, most: int = LOOP_STOPS, until: str | None = None
) -> Stepper:
    """Record what `run` does, which calls one function of `gpt` with the hook it is given.

    Loops stop at most so often. The line after the one that hands over the activation `until` is the last stop.
    """
    recorder = _Recorder(hook, most, until)
    before = sys.gettrace()
    sys.settrace(recorder.enter)
    try:
        value = run(recorder.see)
    finally:
        sys.settrace(before)
    return recorder.stepper(value)


@dataclass(frozen=True)
class _Element:
    """The value that a pass of a loop computes, worked out when it is asked for."""

    code: CodeType
    names: dict[str, Any]  # of the module

    def value(self, scope: dict[str, Any]) -> Any:
        return eval(self.code, {**self.names, **scope})


@dataclass(eq=False)
class _Turn:
    """Where a running comprehension is."""

    loop: Loop
    count: int = 0  # passes begun
    open: bool = False  # the last of them is not over
    stop: int | None = None  # its stop; none where the loop has stopped often enough


@dataclass(eq=False)
class _Call:
    """One call of a function while it runs."""

    number: int
    frame: FrameType
    depth: int
    caller: int | None
    statement: Statement | None = None  # the one that is running
    stop: int | None = None  # its stop; none where the line has stopped often enough, or teaches nothing
    turns: list[_Turn] = field(default_factory=list)  # of the comprehensions it is in, the outermost first
    counts: Counter[object] = field(default_factory=Counter)
    spent: Loop | None = None  # the last one that has stopped often enough

    @property
    def code(self) -> CodeType:
        return self.frame.f_code

    @property
    def place(self) -> int | None:
        """The stop of what is running; none where nothing is to stop."""
        stops = [self.stop, *(turn.stop for turn in self.turns if turn.open)]
        return None if None in stops else stops[-1]


class _Recorder:
    """The reports of Python's tracing, kept as stops."""

    def __init__(self, hook: Hook | None, most: int, until: str | None) -> None:
        self.hook, self.most, self.until = hook, most, until
        self.ending = self.ended = False
        self.stops: list[Stop] = []
        self.results: dict[int, Any] = {}
        self.elements: dict[int, _Element] = {}
        self.activations: dict[int, list[str]] = {}
        self.codes: list[CodeType] = []
        self.calls: dict[FrameType, _Call] = {}
        self.spots: dict[FrameType, dict[int, Spot]] = {}

    def stepper(self, value: Any) -> Stepper:
        self.calls.clear()  # frames hold on to everything
        self.spots.clear()
        for index, names in self.activations.items():
            self.stops[index] = replace(self.stops[index], activations=tuple(names))
        return Stepper(self.stops, self.results, self.elements, self.codes, None if self.ended else value)

    def see(self, name: str, value: Any) -> Any:
        """The hook that the function is given."""
        call = self.calls.get(handing_frame())
        if call and call.stop is not None and not self.ended:
            self.activations.setdefault(call.stop, []).append(name)
        self.ending = self.ending or name == self.until
        return self.hook(name, value) if self.hook else None

    # What Python calls

    def enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        """A function is called, or a generator goes on."""
        if self.ended or not _teaches(frame.f_code):
            return None
        back = frame.f_back
        while back and back not in self.calls:
            back = back.f_back
        if back:
            self._arrive(self.calls[back], back)
        known = frame in self.calls or self._take_up(frame, self.calls[back] if back else None)
        return self.watch if known else None

    def watch(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Something happens in a function."""
        if self.ended:
            return None
        call = self.calls[frame]
        if call.spent and (spot := self.spots[frame].get(frame.f_lasti)) and spot.closes is call.spent:
            return self.watch  # the fast way: a vocabulary is long
        if event == "return" and frame is call.frame:
            self._return(call, argument)
        elif event in ("line", "return") and not (frame is call.frame and self._line(call)):
            self._arrive(call, frame)
        return self.watch

    def _take_up(self, frame: FrameType, parent: _Call | None) -> bool:
        """Follow a call, unless it is made where nothing stops. A comprehension's frame is part of the call around."""
        if parent and parent.place is None:
            return False
        self.spots[frame] = spots(frame.f_code)
        if parent and frame.f_code.co_name in _COMPREHENSIONS:
            self.calls[frame] = parent
            return True
        depth, caller = (parent.depth + 1, parent.place) if parent else (0, None)
        self.calls[frame] = _Call(len(self.codes), frame, depth, caller)
        self.codes.append(frame.f_code)
        return True

    def _line(self, call: _Call) -> bool:
        """Whether a new statement begins: not just another line of it, or another pass."""
        statement = outline(call.code.co_filename).statements.get(call.frame.f_lineno)
        if statement is None or statement is call.statement:
            return False
        self._settle(call)
        call.statement, call.stop, call.turns = statement, None, []
        if self._stops_again(call, statement):
            call.stop = self._stop(call, call.frame)
            self.ended = self.ending and not call.depth
        return True

    def _settle(self, call: _Call) -> None:
        """Note the value that the last line assigned: it is known now."""
        if call.stop is not None and call.statement and call.statement.targets:
            values = tuple(call.frame.f_locals[name] for name in call.statement.targets)
            self.results[call.stop] = values[0] if len(values) == 1 else values

    def _return(self, call: _Call, value: Any) -> None:
        if call.stop is not None and call.statement and call.statement.returns:
            self.results[call.stop] = value
        if not call.depth:
            call.turns = []
            self.results[self._stop(call, call.frame, returned=True)] = value

    def _arrive(self, call: _Call, frame: FrameType) -> None:
        """Stop at the passes that have begun since the last event, and note the one that ends here."""
        places = [self.spots[part].get(part.f_lasti) for part in _frames(call, frame)]
        loops = [loop for spot in places if spot for loop in spot.loops]
        for level, loop in enumerate(loops):
            if len(call.turns) <= level or call.turns[level].loop is not loop:
                call.turns[level:] = [_Turn(loop)]
            if not call.turns[level].open:
                del call.turns[level + 1 :]
                self._begin(call, frame, call.turns[level])
        if places[-1] and places[-1].closes:
            call.turns[len(loops) - 1].open = False

    def _begin(self, call: _Call, frame: FrameType, turn: _Turn) -> None:
        turn.count, turn.open = turn.count + 1, True
        around = [call.stop, *(outer.stop for outer in call.turns[:-1])]
        turn.stop = None
        if None in around:
            return
        if not self._stops_again(call, turn.loop):
            call.spent = turn.loop
        else:
            turn.stop = self._stop(call, frame, turn.loop.inner)
            if turn.loop.element:
                self.elements[turn.stop] = _Element(turn.loop.element, frame.f_globals)

    def _stops_again(self, call: _Call, place: Statement | Loop) -> bool:
        call.counts[place] += 1
        return call.counts[place] <= self.most

    def _stop(
        self, call: _Call, frame: FrameType, hidden: frozenset[str] = frozenset(), *, returned: bool = False
    ) -> int:
        assert call.statement
        self.stops.append(
            Stop(
                file=short(call.code.co_filename),
                function=call.code.co_qualname,
                line=call.statement.first,
                depth=call.depth,
                scope=_scope(call, frame, hidden),
                passes=tuple(turn.count for turn in call.turns),
                returned=returned,
                call=call.number,
                caller=call.caller,
            )
        )
        return len(self.stops) - 1


def _teaches(code: CodeType) -> bool:
    """Whether it is a function of the model, or a comprehension within one."""
    name = code.co_name
    return name != "<lambda>" and not name.startswith("__") and is_model_file(code.co_filename)


def _frames(call: _Call, frame: FrameType) -> list[FrameType]:
    """The function's frame and, where comprehensions have frames, theirs down to this one."""
    frames = [frame]
    while frames[0] is not call.frame and frames[0].f_back:
        frames.insert(0, frames[0].f_back)
    return frames


def _scope(call: _Call, frame: FrameType, hidden: frozenset[str]) -> dict[str, Any]:
    """The names of the function, and of the comprehensions around the place where it is."""
    return {
        name: value
        for part in _frames(call, frame)
        for name, value in part.f_locals.items()
        if name[0] != "." and name not in hidden
    }
