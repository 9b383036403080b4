"""`entrepot rules`: whether they make sense, which one decides, what others would do. One module per subcommand."""

import typer

from .rules_check import check
from .rules_explain import explain
from .rules_preview import preview
from .rules_suggest import suggest

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def rules() -> None:
    """Check the rules, explain them, try a changed file before it is in force; have some suggested."""


app.command("check")(check)
app.command("explain")(explain)
app.command("preview")(preview)
app.command("suggest")(suggest)
