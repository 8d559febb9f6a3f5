"""Walking by itself: stage after stage at a pace, token after token at the end."""

from explorer.walk.session import Session

PACES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Stages a second."""


class Player:
    """The next move while nobody presses a key. It never runs ahead of what is computed."""

    def __init__(self) -> None:
        self.playing = False
        self.left_to_draw = 0  # tokens that were asked for at once
        self._pace = 2

    @property
    def pace(self) -> float:
        return PACES[self._pace]

    def change_pace(self, by: int) -> None:
        self._pace = max(0, min(self._pace + by, len(PACES) - 1))

    def stop(self) -> None:
        self.playing = False
        self.left_to_draw = 0

    def next_stage(self, session: Session) -> bool:
        """One stage on; after the last one, draw a token and begin again with it. True if a token was drawn.

        InputError where the context is full.
        """
        cursor = session.cursor
        if cursor.stage_index + 1 < len(cursor.stages):
            if session.trace.computed(cursor.stages[cursor.stage_index + 1], session.position):
                cursor.move_stage(1)
            return False
        if cursor.position + 1 < len(session.ids):
            cursor.move_position(1)
        elif session.draws.ended:
            self.stop()
            return False
        elif not session.take_token():
            return False
        else:
            cursor.go_to_stage(0)
            return True
        cursor.go_to_stage(0)
        return False

    def draw(self, session: Session) -> bool:
        """Draw one of the tokens that were asked for, if it is known. True if one was drawn.

        InputError where the context is full.
        """
        if not self.left_to_draw:
            return False
        if session.draws.ended:
            self.left_to_draw = 0
            return False
        if session.take_token():
            self.left_to_draw -= 1
            return True
        return False
