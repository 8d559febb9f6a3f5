"""The screen as lines of Python."""

from explorer.edits import Cut, Edit, Mean, Scale, Set, Zero
from explorer.teaching import edit_words
from explorer.views.recipes.recipe import Recipe, Shown, without_beginning


def python(shown: Shown, recipe: Recipe) -> str:
    """The lines of Python: the model, the run, its edits, and what the screen shows of it."""
    session = shown.session
    bos, text = without_beginning(session, session.text)
    given, flag = repr(text), ", bos=True" if bos else ""
    if (ids := session.tokenizer.encode(text)) != session.ids[1 if bos else 0 :] or (bos and not ids):
        given, flag = repr(session.ids), ""
    lines = ["import explorer as gx", "", f"model = gx.load({shown.model!r})", f"run = model.run({given}{flag})"]
    made = [line for edit in session.what_if.edits.active if (line := _edit_in_python(edit))]
    if made:
        lines.append(f"run = run.edit({', '.join(made)})")
    return "\n".join([*lines, *recipe.python])


def _edit_in_python(edit: Edit) -> str:
    """The edit as the library writes it; "" for one that has no words."""
    if edit_words.in_words(edit) is None:
        return ""
    where = edit.where
    kind, _, number = where.title.partition(" ")
    at = f", at={where.at[0]}" if where.at else ""
    if where.edge:
        layers = {part.name.split(".")[1] for part in where.places}
        heads = where.places[0].index[0]
        rest = "" if len(layers) > 1 else f", {layers.pop()}" + ("" if heads is None else f", {heads[0]}")
        place = f"gx.edge({where.edge[0]}, {where.edge[1]}{rest})"
    elif kind in ("head", "neuron"):
        place = f"gx.{kind}({number.replace('.', ', ')}{at})"
    elif kind in ("MLP", "block"):
        place = f"gx.{kind.lower()}({number}{at})"
    else:
        part = where.places[0]
        index = ["None" if axis is None else str(axis[0] if len(axis) == 1 else list(axis)) for axis in part.index]
        place = f"gx.activation({', '.join([repr(part.name), *index])})"
    match edit.what:
        case Zero():
            return f"{place}.zero()"
        case Mean():
            return f"{place}.mean()"
        case Cut():
            return f"{place}.cut()"
        case Set(value=value):
            return f"{place}.set({value!r})"
        case Scale(factor=factor):
            return f"{place}.scale({factor!r})"
    return ""
