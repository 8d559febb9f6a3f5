"""Tours and bookmarks on the screen: going to a spot, and coming back to where one was.

A run that is gone to has a session of its own, so that the one that the user had stays as it was.
"""

from typing import TYPE_CHECKING, NamedTuple

from textual.worker import get_current_worker

from explorer.screen.dialogs.ask import AskDialog
from explorer.screen.dialogs.bookmarks import Bookmarks
from explorer.screen.dialogs.tours import Choice, TourList
from explorer.screen.messages import Replied, TourOpened
from explorer.screen.opening import Opening
from explorer.teaching import bookmarks, notes, spots
from explorer.teaching.errors import FactError
from explorer.teaching.playing import Playing, answer_here, answered, read_answer
from explorer.teaching.spots import CODE, PATH, WHY, Spot
from explorer.teaching.tours import Tour, shipped
from explorer.views.view import View
from explorer.walk.session import Session
from explorer.walk.text import Tokens
from explorer.walk.why import Look
from gpt import GPT, GPTError

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen

_NUMBERS = (WHY, PATH, CODE)
"""What is open at a spot only once its run is computed."""


class Left(NamedTuple):
    """A session that was left, to come back to: its views, and which of them was open."""

    session: Session
    views: dict[str, View]
    view: View | None
    model: str


class Touring:
    """The part of the screen that plays a tour, goes to bookmarks, and comes back."""

    def __init__(self, screen: "MainScreen", opening: Opening) -> None:
        self._screen = screen
        self._opening = opening
        self._playing: Playing | None = None
        self._away = True  # from the tour; the one that is played is not on the screen
        self._home: Left | None = None  # what the user had before
        self._tour: Left | None = None  # the tour's, while the user is away from it
        self._kept: dict[tuple[str, str, tuple[str, ...]], Left] = {}  # by run
        self._pending: Spot | None = None  # what is to be opened there as soon as it is computed
        self._start: Spot | None = None
        self._began = 0.0
        self.bookmarks = dict(opening.bookmarks)

    @property
    def shown(self) -> Playing | None:
        """The tour that is on the screen."""
        return None if self._away else self._playing

    def begin(self, session: Session) -> None:
        """A model is open, the first or another one: what was kept of the one before is gone."""
        self._playing, self._away, self._home, self._tour, self._pending = None, True, None, None, None
        self._kept.clear()
        opening, self._opening = self._opening, Opening(bookmarks_file=self._opening.bookmarks_file)
        if session.ids and not session.recorded:
            self._start = spots.here(session, model=self._screen.header.model_name)
        if opening.prepared:
            made = opening.prepared
            self._kept = {run: Left(one, made.views.get(run, {}), None, run[0]) for run, one in made.sessions.items()}
        if opening.tour and session.model:
            self._begin_with(opening.tour, opening.at, session)
        elif opening.offer:
            words = "T opens tours: the first shows the whole model in twenty minutes. ? lists all keys."
            self._screen.notify(words, title="New here?", timeout=15)

    def _begin_with(self, tour: Tour, at: int, session: Session) -> None:
        """Begin a tour with the session that is open, where it is of the first Stop's run; the user gets another."""
        run, model = tour.stops[at].spot.run, self._screen.header.model_name
        if self._start and self._start.run == (model, *run[1:]) and run not in self._kept:
            assert session.model
            own = Session(session.model, session.tokenizer, session.draws.sampling, session.draws.seed)
            own.submit(session.text)
            self._home = Left(own, {}, None, model)
            self._kept[run] = Left(session, {}, None, model)
        self.start(tour, at)

    # Keys

    def action_list(self) -> None:
        """List the tours; during one its Stops."""
        if self._screen.ready:
            self._screen.app.push_screen(TourList(shipped(), self._playing), self._choose)

    def _choose(self, choice: Choice | None) -> None:
        if choice is None:
            return
        if choice.tour:
            self.start(choice.tour)
        elif self._playing and choice.stop is not None:
            self._playing.go(choice.stop)
            self._show()

    def action_move(self, by: int) -> None:
        """The next Stop, or the one before; without a tour, the list of them."""
        if self._playing is None:
            self.action_list()
        elif self._away:
            self.action_leave()
        elif self._playing.move(by):
            self._show()
        else:
            self._screen.notify("This is the last Stop. L leaves the tour." if by > 0 else "This is the first Stop.")

    def action_leave(self) -> None:
        """Leave the tour, or the bookmark, for what one had before; the next time come back to the tour."""
        if self._home and not (self._away and self._tour):
            self._tour = self._leaving() if self._playing and not self._away else None
            home, self._home, self._away = self._home, None, True
            self._enter(home)
            if self._playing:
                self._screen.show_status(f"tour left at {self._playing.count} · L comes back")
        elif self._playing and self._tour:
            self._home, self._away = self._leaving(), False
            tour, self._tour = self._tour, None
            self._enter(tour)
        else:
            self.action_list()

    def action_answer(self) -> None:
        """Answer the question of this Stop: by what is typed, or by the place where the cursor stands."""
        playing, session = self.shown, self._screen.ready
        question = playing.stop.question if playing else None
        if playing is None or session is None or question is None:
            self._screen.notify("No question is asked here.")
            return
        shown = answer_here(question.answer, session)
        self._screen.app.push_screen(
            AskDialog(question.ask, shown, lambda text: self._check(text, playing, session)),
            lambda taken: self._screen.repaint(),
        )

    def _check(self, text: str, playing: Playing, session: Session) -> None:
        """Read the answer; whether it holds is computed in a thread, for it may take another run."""
        question, at = playing.stop.question, playing.at
        assert question
        read_answer(question.answer, text, session)
        if session.computing:
            raise FactError("this is not computed yet: wait a moment.")
        self._screen.show_status("computing the answer")
        self._screen.run_worker(
            lambda: self._screen.post_message(Replied(playing, at, answered(question, text, session))),
            thread=True,
            group="answer",
            exclusive=True,
        )

    def replied(self, message: Replied) -> None:
        """Whether an answer holds is known."""
        message.playing.replies[message.at] = message.reply
        self._screen.show_status("")
        self._screen.repaint()

    def action_bookmark(self) -> None:
        """Go to a bookmark by its number."""
        if not self.bookmarks:
            self._screen.notify("There are no bookmarks yet: B keeps this place as one.")
        elif self._screen.ready:
            dialog = Bookmarks("Go to a bookmark", self.bookmarks, any_number=False)
            self._screen.app.push_screen(dialog, self._go_to_bookmark)

    def _go_to_bookmark(self, number: int | None) -> None:
        session = self._screen.ready
        if number is None or session is None:
            return
        spot = self.bookmarks[number]
        if spots.here(session, model=self._screen.header.model_name).run == spot.run:
            self._screen.middle.view.use(self._screen.middle.view.kept()[0], None)
            self._go(spot, session)
        else:
            self._away = True
            self._visit(spot)

    def action_keep(self) -> None:
        """Keep this place as a bookmark."""
        session = self._screen.ready
        if session is None:
            return
        if session.recorded:
            self._screen.notify("This is a recorded run: bookmarks need its model.")
            return
        spot = spots.here(session, self.opened_now(), self._screen.header.model_name)
        dialog = Bookmarks("Keep this place as a bookmark", self.bookmarks, any_number=True)
        self._screen.app.push_screen(dialog, lambda number: self._keep(number, spot))

    def _keep(self, number: int | None, spot: Spot) -> None:
        if number is None:
            return
        self.bookmarks[number] = spot
        words = f"Bookmark {number}: {spot.view or spot.at}"
        if path := self._opening.bookmarks_file:
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                bookmarks.write(path, self.bookmarks)
            except (GPTError, OSError) as error:
                words += f". It is not kept for the next time: {error}"
        self._screen.notify(words, markup=False)

    def opened_now(self) -> str:
        """What is open in place of the picture, by the name that a spot has for it."""
        session = self._screen.session
        if session and session.code:
            return CODE
        if session and session.why:
            return PATH if session.why.look is Look.PATH else WHY
        views, view = self._screen.middle.view.kept()
        return next((name for name, one in views.items() if one is view), "")

    def action_reset(self) -> None:
        """Begin again: the first Stop of the tour; without a tour the first prompt, at its beginning, without edits."""
        if playing := self.shown:
            playing.replies.clear()
            playing.go(0)
            self._began = 0.0
            self._show()
        elif self._start and (session := self._screen.ready):
            if self._home:
                self.action_leave()
            session = self._screen.ready or session
            self._screen.playback.stop()
            self._screen.middle.view.use(self._screen.middle.view.kept()[0], None)
            self._go(Spot(self._start.prompt, "tokens", sampling=self._start.sampling, seed=self._start.seed), session)

    # Going to a spot

    def start(self, tour: Tour, at: int = 0) -> None:
        """Begin a tour. What the user has is kept."""
        if self._screen.ready is None or self._screen.ready.recorded:
            self._screen.notify("This is a recorded run: a tour needs a model. Open the explorer without a file.")
            return
        self._playing, self._tour, self._began = Playing(tour, at), None, 0.0
        self._show()

    def _show(self) -> None:
        assert self._playing
        self._away = False
        self._visit(self._playing.stop.spot)

    def _visit(self, spot: Spot) -> None:
        """Show a spot, as soon as its model is there."""
        screen, session = self._screen, self._screen.ready
        assert session
        screen.playback.stop()
        if self._home is None:
            self._home = self._leaving()
        kept = self._kept.get(spot.run)
        model = self._model(spot.model)
        if kept is None and model is None:
            screen.show_status(f"opening {spot.model} …")
            screen.run_worker(lambda: self._open(spot), thread=True, group="tour", exclusive=True)
            return
        if kept is None:
            assert model
            kept = Left(Session(model[0], model[1], spot.sampling, spot.seed), {}, None, spot.model)
            self._kept[spot.run] = kept
        self._enter(kept._replace(view=None), spot)

    def _model(self, name: str) -> tuple[GPT, Tokens] | None:
        """A model that is open, by its name, and its tokenizer."""
        opened = [left for left in (*self._kept.values(), self._home, self._tour) if left]
        names = {name, _short(name)}
        found = next((left.session for left in opened if left.model in names), None)
        return (found.model, found.tokenizer) if found and found.model else None

    def _open(self, spot: Spot) -> None:
        """Open the model of a spot, in a thread."""
        worker = get_current_worker()
        try:
            session: Session | GPTError = self._screen.open_other(spot.model)
        except GPTError as error:
            session = error
        if not worker.is_cancelled:
            self._screen.post_message(TourOpened(spot, session))

    def opened(self, message: TourOpened) -> None:
        """The model of a spot is there, or cannot be opened."""
        if isinstance(message.session, GPTError):
            self._screen.show_status("")
            self._screen.notify(
                str(message.session), title="This model cannot be opened", severity="error", markup=False
            )
            return
        self._kept[message.spot.run] = Left(message.session, {}, None, message.spot.model)
        self._visit(message.spot)

    def _leaving(self) -> Left:
        screen = self._screen
        assert screen.session
        return Left(screen.session, *screen.middle.view.kept(), screen.header.model_name)

    def _enter(self, left: Left, spot: Spot | None = None) -> None:
        """Walk another session, at a spot or where it was left."""
        screen = self._screen
        screen.playback.stop()
        if screen.session is not left.session:
            screen.background.cancel()
        screen.session, screen.header.model_name = left.session, left.model
        screen.middle.view.use(left.views, left.view)
        self._pending = None
        if spot:
            self._go(spot, left.session)
        else:
            screen.prompt.show_text(left.session.text)
            screen.runs.compute()

    def _go(self, spot: Spot, session: Session) -> None:
        """Give a session the run of a spot, and put its cursor there; say so where that cannot be done."""
        screen = self._screen
        try:
            spots.take_run(spot, session)
            spots.go(spot, session)
        except GPTError as error:
            screen.notify(str(error), title="This Stop cannot be shown", severity="error", markup=False)
        screen.prompt.show_text(session.text)
        if spot.view in _NUMBERS:
            self._pending = spot
        elif spot.view:
            screen.middle.view.action_open_or_close(spot.view)
        screen.show_status("")
        if not (session.computing and screen.background.computing):
            screen.runs.compute()
        screen.repaint()
        screen.middle.focus_opened()
        self._tell()

    # As the run comes in

    def follow(self) -> None:
        """Open what waits for its run, and bring the bar up to date: before the panes are drawn."""
        session, spot = self._screen.ready, self._pending
        if session and spot and not session.computing:
            self._pending = None
            try:
                spots.open_number(spot, session)
            except GPTError as error:
                self._screen.notify(str(error), severity="warning", markup=False)
            self._screen.call_after_refresh(self._screen.middle.focus_opened)
        self._screen.tour_bar.fit()

    def computed(self) -> None:
        """The run is complete: now the notes have all their numbers."""
        if self._pending:
            self._screen.repaint()
        self._tell()

    def _tell(self) -> None:
        """Send the speaker's notes to the second terminal."""
        playing, session = self.shown, self._screen.ready
        if playing and session and not session.computing:
            told = notes.of(playing, session, self._began)
            self._began = self._began or told.arrived
            notes.send(told)


def _short(name: str) -> str:
    """A model's name as the screen shows it."""
    from explorer.loading.catalogue import locate, short_name  # only now, and in a moment: it knows the hub

    try:
        return short_name(locate(name))
    except GPTError:  # said when it is opened
        return name
