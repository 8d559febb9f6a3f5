"""The lesson about what is on the screen; it follows the walk."""

from collections.abc import Callable

from explorer.paint.lesson import lesson
from explorer.paint.spans import Line
from explorer.screen.messages import Clicked
from explorer.screen.panes.pane import Host, Pane, literal
from explorer.teaching.lessons import Filled, filled
from explorer.teaching.lessons import lesson as lesson_of
from explorer.terminal.pressed import key as pressed
from explorer.walk.session import Session


class LessonPane(Pane):
    """A lesson. It takes no focus: the keys walk on, and the lesson with them."""

    ID = "lesson"
    TITLE = "Lesson"
    WHEEL = "stage"

    def __init__(self, host: Host, shown_or_hidden: Callable[[], None]) -> None:
        """`shown_or_hidden` is called after the lesson was opened or closed."""
        super().__init__(host)
        self._shown_or_hidden = shown_or_hidden
        self.border_subtitle = literal(
            f"{pressed('lesson.leave', 'esc')} closes · {pressed('lesson.word', 'L')} explains"
        )
        self.subject = ("stage", "tokens")  # its kind and name; the screen keeps it up to date
        self._word: int | None = None  # the number of the word that is explained

    @property
    def open(self) -> bool:
        """Whether it is on the screen."""
        return self.screen.has_class("-lesson")

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        found = self._found(session)
        word = found.words[self._word] if self._word is not None and self._word < len(found.words) else None
        return lesson(found, word, cells, height)

    def about(self, subject: tuple[str, str]) -> None:
        """Take up another subject: of its lesson no word is explained yet."""
        if subject != self.subject:
            self.subject, self._word = subject, None

    def action_open_or_close(self) -> None:
        """Show the lesson, or the picture alone again."""
        self.screen.toggle_class("-lesson")
        self._word = None
        self.host.repaint()
        self._shown_or_hidden()

    def action_close(self) -> None:
        """Close the lesson."""
        if self.open:
            self.action_open_or_close()

    def action_explain(self) -> None:
        """Explain the next marked word of the lesson; after the last one, none."""
        if not self.open:
            self.action_open_or_close()
            return
        if session := self.host.ready:
            words = self._found(session).words
            if not words:
                self.host.notify("There are no words to explain in this lesson.")
            following = 0 if self._word is None else self._word + 1
            self._word = following if following < len(words) else None
            self.host.repaint()

    def on_clicked(self, message: Clicked) -> None:
        """A click on a word explains it."""
        kind, *numbers = message.action
        if kind == "word":
            message.stop()
            self._word = numbers[0]
            self.host.repaint()

    def _found(self, session: Session) -> Filled:
        return filled(lesson_of(*self.subject), session)
