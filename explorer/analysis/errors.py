"""The error of a question that an analysis cannot answer."""

from gpt.errors import GPTError


class AnalysisError(GPTError):
    """A question that this run cannot answer: it was recorded without its model, or only in part."""
