"""`python -m entrepot_api …` is `entrepot …`: how a supervisor starts its children with the very same interpreter."""

from .cli import main

main()
