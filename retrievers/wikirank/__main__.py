"""`python -m wikirank`: the command line, as launchers of several processes call it."""

from wikirank.cli import main

if __name__ == "__main__":
    main()
