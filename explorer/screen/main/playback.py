"""Playback: walking by itself, and drawing several tokens."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.timer import Timer

from explorer.terminal.pressed import key as pressed
from explorer.walk.player import Player
from explorer.walk.session import Session
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen


class Playback:
    """The part of the screen that draws tokens and walks by itself."""

    def __init__(self, screen: "MainScreen") -> None:
        self.player = Player()
        self._screen = screen
        self._timer: Timer | None = None

    def action_draw(self, count: int) -> None:
        """Draw this many tokens, each as soon as the one before is computed."""
        if session := self._screen.ready:
            if session.draws.ended:
                self._screen.notify(
                    f"The text has ended here. {pressed('draw.back', 'Backspace')} takes the last token back."
                )
            self.player.left_to_draw += count
            self._screen.runs.go_on()
            self.draw()

    def draw(self) -> None:
        """Draw one of the tokens asked for, if it is known by now."""
        self._draw_by(self.player.draw)

    def draw_chosen(self, token: int) -> None:
        """Append a token as if it had been drawn: what if it were this one?"""
        session = self._screen.ready
        if session is None:
            return
        if session.position + 1 < len(session.ids) and not session.what_if.shown:
            self._screen.notify(
                f"Another token can be drawn after the last one only: {pressed('token.last', '>')} goes there.",
            )
            return
        self.stop()
        self._draw_by(lambda session: session.take_token(token))

    def action_take_back(self) -> None:
        """Take the last drawn token back."""
        if session := self._screen.ready:
            self.player.stop()
            if session.untake_token():
                self._screen.runs.compute()

    def action_play(self) -> None:
        """Walk by itself, or stop."""
        self.player.playing = not self.player.playing
        self._screen.runs.go_on()
        if not self.player.playing:
            self._screen.show_status("stopped")
        self._set_timer()
        self._screen.repaint()

    def action_pace(self, by: int) -> None:
        """Play faster, or slower."""
        self.player.change_pace(by)
        self._screen.show_status(f"pace {self.player.pace:g} stages a second")
        self._set_timer()

    def action_stop(self) -> None:
        """Close the settings, or go back to the run itself; else stop playing, opening and computing."""
        screen = self._screen
        if screen.settings.moved:
            screen.settings.action_leave()
            return
        if screen.session and screen.session.what_if.shown:
            screen.session.show(None)
            screen.prompt.show_text(screen.session.text)
            screen.repaint()
            return
        self.stop()
        screen.models.stop()
        screen.background.cancel()

    def stop(self) -> None:
        """End the playing and the drawing."""
        if self.player.playing or self.player.left_to_draw:
            self._screen.show_status("stopped")
        self.player.stop()
        self._set_timer()
        self._screen.repaint()

    def _set_timer(self) -> None:
        """Start the timer at the player's pace while it plays, else stop it."""
        if self._timer:
            self._timer.stop()
        self._timer = None
        if self.player.playing:
            self._timer = self._screen.set_interval(1 / self.player.pace, self._step)
            self._screen.show_status(
                f"playing, {self.player.pace:g} stages a second · {pressed('play', 'space')} stops"
            )

    def _step(self) -> None:
        if self._screen.ready:
            self._draw_by(self.player.next_stage)
            self._screen.repaint()

    def _draw_by(self, move: Callable[[Session], bool]) -> None:
        """Make a move, and compute the token if it drew one; show why if no token fits."""
        assert self._screen.session
        try:
            drawn = move(self._screen.session)
        except GPTError as error:
            self.stop()
            self._screen.notify(str(error), title="No further", severity="warning")
            return
        if drawn:
            self._screen.runs.compute()
