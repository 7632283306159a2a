"""Run the command line as `python -m wikirank`, which multi-process launchers need."""

from wikirank.cli import main

if __name__ == "__main__":
    main()
