"""Tours on the screen: playing one, leaving it, coming back to it, answering its questions."""

from time import time
from typing import TYPE_CHECKING

from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.main.visiting import Left, Visiting
from explorer.screen.opening import Opening
from explorer.teaching import notes
from explorer.teaching.errors import FactError
from explorer.teaching.playing import Playing, answer_here, answered, read_answer
from explorer.teaching.tours import Question, Tour, shipped
from explorer.terminal.pressed import key as pressed
from explorer.walk.session import Session
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.screen.dialogs.tours import Choice
    from explorer.screen.main.screen import MainScreen


class Touring:
    """The part of the screen that plays a tour."""

    def __init__(self, screen: "MainScreen", opening: Opening) -> None:
        self._screen = screen
        self._opening: Opening | None = opening
        self.visiting = Visiting(screen, self._tell)
        self._playing: Playing | None = None
        self._away = True  # from the tour; the one that is played is not on the screen
        self._left: Left | None = None  # the tour's session, while the user is away from it
        self._began = 0.0

    @property
    def shown(self) -> Playing | None:
        """The tour that is on the screen."""
        return None if self._away else self._playing

    def begin(self, session: Session) -> None:
        """A model is open, the first or another one; with the first one begins what the command line asked for."""
        opening, self._opening = self._opening, None
        self._playing, self._away, self._left = None, True, None
        self.visiting.begin(opening.prepared if opening else None)
        if opening and opening.tour:
            self.visiting.lend(opening.tour.stops[opening.at].spot)
            self.start(opening.tour, opening.at)
        elif opening and opening.offer:
            tours, keys = pressed("tour.list", "T"), pressed("help", "?")
            greeting = f"{tours} opens tours: the first shows the whole model in twenty minutes. {keys} lists all keys."
            self._screen.notify(greeting, title="New here?", timeout=10)

    def start(self, tour: Tour, at: int = 0) -> None:
        """Begin a tour. What the user has is kept."""
        if self._screen.ready is None or self._screen.ready.recorded:
            self._screen.notify("This is a recorded run: a tour needs a model. Open the explorer without a file.")
            return
        self._playing, self._left, self._began = Playing(tour, at), None, 0.0
        self._show()

    def _show(self) -> None:
        assert self._playing
        self._away = False
        self.visiting.visit(self._playing.stop.spot)

    # Keys

    def action_list(self) -> None:
        """List the tours; during one its Stops."""
        if self._screen.ready:
            from explorer.screen.dialogs.tours import TourList

            self._screen.app.push_screen(TourList(shipped(), self._playing), self._choose)

    def _choose(self, choice: "Choice | None") -> None:
        if choice is None:
            return
        if choice.tour:
            self.start(choice.tour)
        elif self._playing and choice.stop is not None:
            self._playing.go(choice.stop)
            self._show()

    def action_move(self, by: int) -> None:
        """The next Stop, or the one before; away from the tour, back to it; without one, the list of tours."""
        if self._playing is None:
            self.action_list()
        elif self._away:
            self._come_back()
        elif self._playing.move(by):
            self._show()
        else:
            self._screen.notify(
                f"This is the last Stop. {pressed('tour.leave', 'E')} leaves the tour."
                if by > 0
                else "This is the first Stop."
            )

    def action_leave(self) -> None:
        """Leave the tour, or a bookmark, for what one had before; there, come back to the tour."""
        home = self.visiting.home
        if home:
            self.step_aside()
            self.visiting.home = None
            self.visiting.enter(home)
            if self._playing:
                self._screen.show_status(
                    f"tour left at {self._playing.count} · {pressed('tour.leave', 'E')} comes back"
                )
        elif self._playing:
            self._come_back()
        else:
            self.action_list()

    def step_aside(self) -> None:
        """The tour leaves the screen; its session stays as it is."""
        if self.shown:
            self._left, self._away = self.visiting.leaving(), True

    def _come_back(self) -> None:
        left, self._left = self._left, None
        if left is None:
            self._show()
            return
        self.visiting.home = self.visiting.home or self.visiting.leaving()
        self._away = False
        self.visiting.enter(left)

    def begin_again(self) -> bool:
        """Go to the first Stop and forget the answers; False without a tour on the screen."""
        if self.shown is None:
            return False
        self.shown.replies.clear()
        self.shown.go(0)
        self._began = 0.0
        self._show()
        return True

    # Questions

    def action_answer(self) -> None:
        """Answer the question of this Stop: by what is typed, or by the place where the cursor stands."""
        playing, session = self.shown, self._screen.ready
        question = playing.stop.question if playing else None
        if playing is None or session is None or question is None:
            self._screen.notify("No question is asked here.")
            return
        here = answer_here(question.answer, session)
        dialog = AskDialog(question.ask, here, lambda text: self._check(text, question, playing, session))
        self._screen.app.push_screen(dialog)

    def _check(self, text: str, question: Question, playing: Playing, session: Session) -> None:
        """Read the answer; whether it holds is computed in a thread, for it may take another run."""
        read_answer(question.answer, text, session)
        if session.computing:
            raise FactError("this is not computed yet: wait a moment.")
        screen, at = self._screen, playing.at

        def work() -> None:
            reply = answered(question, text, session)
            screen.app.call_from_thread(playing.replies.__setitem__, at, reply)
            screen.app.call_from_thread(screen.show_status, "")
            screen.app.call_from_thread(screen.repaint)

        screen.show_status("computing the answer")
        screen.run_worker(work, thread=True, group="answer", exclusive=True)

    # As the run comes in

    def follow(self) -> None:
        """Open what waits for its run, and fit the bar: before the panes are drawn."""
        self.visiting.follow()
        if self.shown and (session := self._screen.ready):
            try:
                self.shown.learn(session)
            except GPTError as error:
                title = "This Stop fits another run"
                self._screen.app.notify(str(error), title=title, severity="warning", timeout=10)
        self._screen.tour_bar.fit()

    def _tell(self) -> None:
        """Send the speaker's notes to the second terminal, once all of their numbers are there."""
        playing, session = self.shown, self._screen.ready
        if playing and session and not session.computing:
            now = time()
            self._began = self._began or now
            notes.send(notes.of(playing, self._began, now))
